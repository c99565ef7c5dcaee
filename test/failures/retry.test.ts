import type http from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { send as call } from "../support/client.ts";
import { bodyOf, type Handler, Origin } from "../support/origin.ts";
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
    response.writeHead(523, { Server: "cloudflare" }).end("unreachable");
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

describe("a retry goes before the requests that came after it", () => {
  test.each([[true], [false]])(
    "though its only server is left alone for a while each time, with redispatch = %j",
    async (redispatch) => {
      const order: string[] = [];
      bad.answer = (request, response) => {
        order.push(request.url ?? "");
        if (order.length <= 3) request.socket.destroy();
        else response.end("ok");
      };
      // A slot that opens at once is there for whoever is first on the list.
      await start({ redispatch, quarantine: { broken: "0s" } }, [bad]);
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
      expect(order).toEqual(["/first", "/first", "/first", "/first", "/second", "/third"]);
    },
  );
});

describe("what a server worked on a request before it failed it is no wait for a slot", () => {
  const WORKED_MS = 1_200;
  const worksAndBreaks: Handler = (request) => {
    setTimeout(() => request.socket.destroy(), WORKED_MS);
  };

  test("in the log, in Server-Timing, nor is it the next server's", async () => {
    bad.answer = worksAndBreaks;
    await start();
    const response = await fetch(sluice.url);
    const [queue, origin] = [...(response.headers.get("server-timing") ?? "").matchAll(/dur=(\d+)/g)].map(
      (match) => Number(match[1]),
    );
    const line = await sluice.logged(() => true);
    expect(line).toMatchObject({ attempts: 2, queueMs: queue, originMs: origin });
    // It is in neither of the two; 1 ms for each of three clocks that are rounded.
    expect(Number(line.totalMs) - Number(queue) - Number(origin)).toBeGreaterThanOrEqual(WORKED_MS - 3);
  });

  test("nor for queue_timeout", async () => {
    bad.answer = (request, response) => {
      if (bad.count === 1) worksAndBreaks(request, response);
      else response.end("ok");
    };
    await start({ queue_timeout: `${WORKED_MS - 100}ms`, quarantine: { broken: "50ms" } }, [bad]);
    expect((await fetch(sluice.url)).status).toBe(200);
  });
});

describe("a GET or a HEAD with a body is repeated with it", () => {
  test.each([
    ["GET", 6],
    ["HEAD", 6],
    ["GET", 0],
    ["GET", 500_000],
  ])("%s of %d bytes", async (method, size) => {
    const body = "x".repeat(size);
    const got: string[] = [];
    const takes = (handler: Handler): Handler => {
      return async (request, response) => {
        got.push(`${request.headers["content-length"] ?? 0} ${await bodyOf(request)}`);
        handler(request, response);
      };
    };
    bad.answer = takes((request) => request.socket.destroy());
    good.answer = takes((_, response) => response.end("good"));
    await start();
    const { status } = await call(sluice.url, { method, body, headers: { "Content-Length": size } });
    expect(status).toBe(200);
    expect(got).toEqual([`${size} ${body}`, `${size} ${body}`]);
  });

  test("but not when it went past the buffer and is gone", async () => {
    await start({ buffer_request: "1KiB" });
    const body = "x".repeat(100_000);
    expect((await call(sluice.url, { body, headers: { "Content-Length": body.length } })).status).toBe(502);
    expect(good.count).toBe(0);
  });
});

describe("a request whose client has left when its server breaks off", () => {
  test.each([
    ["before the headers", () => {}],
    ["within the body", (response: http.ServerResponse) => response.write("first bytes")],
  ])("%s is not repeated, and counts as abandoned", async (_when, begin) => {
    bad.answer = null;
    await start({ quarantine: { max: "1h", broken: "1ms" } }, [bad]);
    const left = call(sluice.leaverUrl, { headers: { "x-leave-after": 200 } });
    const { request, response } = await bad.arrival();
    begin(response);
    expect((await left).status).toBe(499);
    request.socket.destroy();
    // Who broke off decides how long the slot stays closed.
    const { totals } = await sluice.until("web", ({ inFlight }) => inFlight === 0);
    expect(totals).toEqual({
      accepted: 1,
      completed: 0,
      refused: {},
      retried: 0,
      abandoned: 1,
      free: 0,
      passedOn: 0,
    });
    expect(bad.count).toBe(1);
    const line = await sluice.logged(() => true);
    expect(line).toMatchObject({ outcome: "client-abort-in-flight", attempts: 1 });
  });
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
