import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bodyOf, type Handler, Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

/** Longer than any test waits: a slot that rests for so long is one that is not asked again. */
const AN_HOUR = { "Retry-After": "3600" };

let busy: Origin;
let free: Origin;
let sluice: Sluice;

const rejects =
  (status: number, text: string, headers: Record<string, string> = {}): Handler =>
  (request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(status, headers).end(text));
  };

async function start(keys: Record<string, unknown>, origins = [busy, free]): Promise<void> {
  const servers = origins.map(({ url }, n) => ({ name: `web-${n}`, url }));
  sluice = await Sluice.start({ pools: { web: { balance: "first", servers, ...keys } } });
}

async function post(body = "x", headers: Record<string, string> = {}) {
  const response = await fetch(sluice.url, { method: "POST", body, headers });
  return [response.status, await response.text()];
}

beforeEach(async () => {
  [busy, free] = await Promise.all([
    Origin.start(rejects(503, "query rejected, already processing")),
    Origin.start(async (request, response) => response.end(`took ${await bodyOf(request)}`)),
  ]);
});
afterEach(async () => {
  await sluice.stop();
  await Promise.all([busy.stop(), free.stop()]);
});

describe("an answer of retry_on", () => {
  test("reaches no client: the request, of any method, goes to another server with its body", async () => {
    await start({ retry_on: [503] });
    expect(await post("the body")).toEqual([200, "took the body"]);
    const line = await sluice.logged(() => true);
    expect(line).toMatchObject({ outcome: "retried", attempts: 2, status: 200, server: "web-1" });
  });

  test("is no failure: neither health nor `retries` know of it", async () => {
    const work = busy.answer as Handler;
    busy.answer = (request, response) => (request.url === "/up" ? response.end() : work(request, response));
    await start({ retry_on: [503], retries: 0, check: { path: "/up", fall: 1 } });
    expect((await post())[0]).toBe(200);
    // The pool hears a little later that the request has ended.
    const { totals, servers } = await sluice.until("web", ({ totals: { completed } }) => completed === 1);
    expect(totals).toMatchObject({ completed: 1, retried: 1, refused: {} });
    expect(servers[0]?.health).not.toBe("down");
  });

  test("lets the slot rest as long as it says, and no longer than 10 s", async () => {
    busy.answer = rejects(503, "busy", AN_HOUR);
    await start({ retry_on: [503] });
    await post();
    await post();
    expect(busy.count).toBe(1);
  });

  test("is asked again and again while it is the only server, until it is free", async () => {
    let rejections = 3;
    busy.answer = async (request, response) => {
      if (rejections-- > 0) return rejects(429, "")(request, response);
      response.end(await bodyOf(request));
    };
    await start({ retry_on: [429], retries: 0 }, [busy]);
    expect(await post("at last")).toEqual([200, "at last"]);
    expect(busy.count).toBe(4);
  });

  test("ends with queue_timeout", async () => {
    await start({ retry_on: [503], queue_timeout: "1s" }, [busy]);
    const [status, text] = await post();
    expect([status, JSON.parse(String(text)).code]).toEqual([503, "queue-timeout"]);
  });

  test("keeps the request before those that came later", async () => {
    const order: string[] = [];
    let rejected = false;
    busy.answer = (request, response) => {
      order.push(request.url ?? "");
      if (!rejected) {
        rejected = true;
        return rejects(503, "busy")(request, response);
      }
      response.end();
    };
    await start({ retry_on: [503] }, [busy]);
    await sluice.drain("web");
    const sent = [];
    for (const [n, path] of ["/first", "/second", "/third"].entries()) {
      sent.push(fetch(sluice.url + path));
      await sluice.until("web", ({ queued }) => queued === n + 1);
    }
    await sluice.resume("web");
    await Promise.all(sent);
    expect(order).toEqual(["/first", "/first", "/second", "/third"]);
  });
});

describe("with a beginning, an answer of retry_on", () => {
  test("is meant if its body begins so", async () => {
    await start({ retry_on: ["503 query rejected"] });
    expect((await post())[0]).toBe(200);
  });

  test("is the client's if its body begins otherwise", async () => {
    await start({ retry_on: ["503 query rejected"] });
    busy.answer = rejects(503, "out of order");
    expect(await post()).toEqual([503, "out of order"]);
  });

  test("that is shorter is passed on whole", async () => {
    busy.answer = rejects(503, "qu");
    await start({ retry_on: ["503 query rejected"] });
    expect(await post()).toEqual([503, "qu"]);
  });

  test("that is empty is passed on", async () => {
    busy.answer = rejects(503, "");
    await start({ retry_on: ["503 query rejected"] });
    expect(await post()).toEqual([503, ""]);
  });
});

test("a body that is not at hand cannot be sent again: its client gets the answer", async () => {
  await start({ retry_on: [503], buffer_request: "0B" });
  expect(await post()).toEqual([503, "query rejected, already processing"]);
});

test("without retry_on the answer is the client's", async () => {
  await start({});
  expect((await post())[0]).toBe(503);
});
