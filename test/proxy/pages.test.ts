import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/client.ts";
import { Origin } from "../support/origin.ts";
import { Sluice } from "../support/sluice.ts";

const BROWSER = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const texts = {
  PAGE_BUSY: "<h1>{{pool}}: {{message}}</h1><p>{{retryAfter}} s, {{requestId}}</p>",
  PROBLEM_BUSY: '{ "title": "Busy", "support": "help@example.com", "status": 200 }',
};

let sluice: Sluice;
let origin: Origin;
beforeAll(async () => {
  origin = await Origin.start();
  const servers = [{ name: "web-1", url: origin.url }];
  const busy = { html: "PAGE_BUSY", json: "PROBLEM_BUSY" };
  const web = {
    servers,
    max_queue: 0,
    retries: 0,
    pages: { "queue-full": busy, "bad-gateway": "PAGE_BUSY" },
  };
  const slow = { hosts: ["slow.test"], servers, queue_timeout: "1ms", pages: { "queue-timeout": busy } };
  const plain = { hosts: ["plain.test"], servers, max_queue: 0 };
  const shut = { hosts: ["shut.test"], servers, pages: { stopped: busy } };
  sluice = await Sluice.start({ pools: { web, slow, plain, shut }, texts });
  for (const pool of ["web", "slow", "plain", "shut"]) await sluice.drain(pool);
});
afterAll(async () => {
  await sluice.stop();
  await origin.stop();
});

const refused = async (headers: Record<string, string>, method = "GET") => {
  const answer = await send(sluice.url, { method, headers: { "X-Request-Id": "mine-<1>", ...headers } });
  return { ...answer, text: String(answer.body) };
};

describe("a pool with pages refuses", () => {
  test("a browser with its own page", async () => {
    const { status, headers, text } = await refused(BROWSER);
    expect(status).toBe(503);
    expect(headers).toMatchObject({
      ...{ "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
      ...{ "x-content-type-options": "nosniff", "x-request-id": "mine-<1>" },
      "content-security-policy": "frame-ancestors 'none'",
    });
    const seconds = headers["retry-after"];
    expect(Number(seconds)).toBeGreaterThan(0);
    expect(text).toBe(
      `<h1>web: As many requests as allowed are waiting already. Try again later.</h1><p>${seconds} s, mine-&lt;1&gt;</p>`,
    );
  });

  test("a browser that waits when the pool is stopped, with the operator's message in it", async () => {
    const waiting = send(sluice.url, { headers: { ...BROWSER, Host: "shut.test", "X-Request-Id": "mine" } });
    await sluice.until("shut", ({ queued }) => queued === 1);
    await sluice.stopPool("shut", { message: "Back at <b>nine</b>." });
    const { status, headers, body } = await waiting;
    expect(`${status} ${body}`).toBe(
      `503 <h1>shut: Back at &lt;b&gt;nine&lt;/b&gt;.</h1><p>${headers["retry-after"]} s, mine</p>`,
    );
  });

  test("a program with its own members of the problem", async () => {
    const { headers, text } = await refused({ Accept: "*/*" });
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(text)).toEqual({
      ...{ type: "about:blank", title: "Busy", status: 503, code: "queue-full", instance: "mine-<1>" },
      detail: "As many requests as allowed are waiting already. Try again later.",
      ...{ pool: "web", support: "help@example.com", queued: 0, estimatedWaitMs: null },
    });
  });

  test("HEAD with the same headers and no body", async () => {
    const [get, head] = [await refused(BROWSER), await refused(BROWSER, "HEAD")];
    const { date: _, "content-length": __, "transfer-encoding": ___, ...same } = get.headers;
    // Two clients are told two times.
    const told = { "retry-after": expect.stringMatching(/^\d+$/) };
    expect(head.headers).toMatchObject({ ...same, ...told, connection: expect.any(String) });
    expect(head.text).toBe("");
  });

  test("whoever has waited too long with the page for that", async () => {
    expect((await refused({ ...BROWSER, Host: "slow.test" })).text).toMatch(/^<h1>slow: The request waited/);
  });

  test("and another one with its own, or ours", async () => {
    expect((await refused({ ...BROWSER, Host: "plain.test" })).text).toMatch(/^<!doctype html>/);
  });

  test("when a server broke off, too", async () => {
    await sluice.resume("web");
    origin.answer = (request) => request.socket.destroy();
    expect(await refused(BROWSER)).toMatchObject({ status: 502, text: expect.stringMatching(/^<h1>web: /) });
  });
});

test("a page whose variable is missing makes the configuration wrong, and the log says why", async () => {
  const servers = [{ name: "web-1", url: origin.url }];
  const wrong = await Sluice.start({ pools: { web: { servers, pages: { stopped: "PAGE_NONE" } } } });
  try {
    const answer = await send(wrong.url);
    expect([answer.status, JSON.parse(String(answer.body)).code]).toEqual([500, "misconfigured"]);
    expect(wrong.output.join("\n")).toContain(
      String.raw`POOLS.web.pages.stopped: there is no variable \"PAGE_NONE\"`,
    );
  } finally {
    await wrong.stop();
  }
});
