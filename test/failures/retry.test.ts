import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Handler, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

let bad: Origin;
let good: Origin;
let sluice: Sluice;

/** Reads the request, then breaks the connection without an answer. */
const breaks: Handler = (request) => {
  request.resume();
  request.on("end", () => request.socket.destroy());
};
const answers: Handler = (request, response) => {
  request.resume();
  request.on("end", () => response.end("good"));
};

async function start(keys: Record<string, unknown> = {}, servers = [bad, good]): Promise<void> {
  const list = servers.map((origin, n) => ({ name: `web-${n}`, url: origin.url }));
  const web = { balance: "first", quarantine: { broken: "100ms" }, servers: list, ...keys };
  sluice = await Sluice.start({ pools: { web } });
}

async function send(method: string, headers: Record<string, string> = {}, size = 10) {
  const body = method === "GET" ? null : "x".repeat(size);
  const response = await fetch(`${sluice.url}/path`, { method, headers, body });
  return { status: response.status, body: await response.text() };
}

beforeEach(async () => {
  [bad, good] = await Promise.all([Origin.start(breaks), Origin.start(answers)]);
});
afterEach(async () => {
  await sluice.stop();
  await Promise.all([bad.stop(), good.stop()]);
});

describe("a request whose server breaks off before an answer", () => {
  test("goes to another server if it may be repeated, and the log says so", async () => {
    await start();
    expect(await send("GET")).toEqual({ status: 200, body: "good" });
    const line = await sluice.logged(() => true);
    expect(line).toMatchObject({ outcome: "retried", attempts: 2, server: "web-1", status: 200 });
    const { totals } = await sluice.snapshot("web");
    expect(totals).toMatchObject({ accepted: 1, completed: 1, retried: 1, refused: {} });
  });

  test("POST reaches exactly one server, and the client gets 502", async () => {
    await start();
    const { status, body } = await send("POST");
    expect([status, JSON.parse(body).code]).toEqual([502, "bad-gateway"]);
    expect([bad.count, good.count]).toEqual([1, 0]);
  });

  test("POST with an Idempotency-Key is answered by another server", async () => {
    await start();
    expect(await send("POST", { "Idempotency-Key": "k1" })).toEqual({ status: 200, body: "good" });
    expect([bad.count, good.count]).toEqual([1, 1]);
  });

  test("POST is answered by another server where retry_non_idempotent allows it", async () => {
    await start({ retry_non_idempotent: true });
    expect((await send("POST")).status).toBe(200);
  });

  test("is not repeated when its body went past the buffer and is gone", async () => {
    await start({ buffer_request: "1KiB" });
    expect((await send("PUT", {}, 100_000)).status).toBe(502);
    expect(good.count).toBe(0);
  });

  test("is tried as often as retries says and then answered 502", async () => {
    await start({ retries: 2 }, [bad]);
    expect((await send("POST", { "Idempotency-Key": "k1" })).status).toBe(502);
    expect(bad.count).toBe(3);
    const { totals } = await sluice.snapshot("web");
    expect(totals).toMatchObject({ accepted: 1, completed: 0, retried: 2, refused: { "bad-gateway": 1 } });
  });

  test("is tried once where retries is 0", async () => {
    await start({ retries: 0 });
    expect((await send("POST", { "Idempotency-Key": "k1" })).status).toBe(502);
    expect([bad.count, good.count]).toEqual([1, 0]);
  });
});

describe("Cloudflare's answer that a server was never reached", () => {
  const unreached: Handler = (request, response) => {
    request.resume();
    response.writeHead(522, { Server: "cloudflare" }).end("timed out");
  };

  test("sends any method to another server", async () => {
    bad.answer = unreached;
    await start();
    expect(await send("POST")).toEqual({ status: 200, body: "good" });
  });

  test("is a 502 after the last attempt", async () => {
    bad.answer = unreached;
    await start({ retries: 0 });
    expect((await send("POST")).status).toBe(502);
  });

  test("is the server's own answer, and passed on, when it is not Cloudflare's", async () => {
    bad.answer = (_, response) => response.writeHead(522).end("mine");
    await start();
    expect(await send("POST")).toEqual({ status: 522, body: "mine" });
  });
});

test("a retry goes before the requests that came after it", async () => {
  const order: string[] = [];
  let first = true;
  bad.answer = (request, response) => {
    order.push(request.url ?? "");
    if (first) request.socket.destroy();
    else response.end("ok");
    first = false;
  };
  await start({}, [bad]);
  await sluice.drain("web");
  const paths = ["/first", "/second", "/third"];
  const headers = { "Idempotency-Key": "k", Connection: "close" };
  const sent = [];
  for (const [n, path] of paths.entries()) {
    sent.push(fetch(sluice.url + path, { method: "POST", headers, body: "x" }));
    await sluice.until("web", ({ queued }) => queued === n + 1);
  }
  await sluice.resume("web");
  expect((await Promise.all(sent)).map((response) => response.status)).toEqual([200, 200, 200]);
  expect(order).toEqual(["/first", "/first", "/second", "/third"]);
});

test("an answer that breaks off within its body is cut off at the client, and not repeated", async () => {
  bad.answer = (_, response) => {
    response.writeHead(200, { "Content-Length": "10" });
    response.write("12345", () => response.destroy());
  };
  await start();
  await expect(send("GET")).rejects.toThrow();
  expect([bad.count, good.count]).toEqual([1, 0]);
});
