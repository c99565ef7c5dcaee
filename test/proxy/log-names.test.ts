import { describe, expect, test } from "vitest";
import { type Call, send } from "../support/client.ts";
import { useStage } from "../support/stage.ts";

const stage = useStage({
  web: {
    slots: 100,
    retries: 0,
    log_headers: ["User-Agent", "x-tenant", "response:x-model", "response:x-tenant"],
    log_address: true,
    deferred: {},
  },
  plain: { slots: 100, traceparent: "pass" },
});

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/** What the server got, and the log line. */
async function exchange(path: string, call: Call = {}, answered: Record<string, string> = {}) {
  stage.origin.answer = null;
  const answer = send(stage.sluice.url, { path, ...call });
  const { request, response } = await stage.origin.arrival();
  response.writeHead(200, answered).end();
  await answer;
  return { got: request.headers, line: await stage.sluice.logged((line) => line.path === path) };
}

describe("the log has", () => {
  test("the headers that it is to have, of request and answer, and the client's address", async () => {
    const headers = {
      "User-Agent": "curl/8",
      "X-Tenant": "acme",
      "X-Other": "no",
      "CF-Connecting-IP": "203.0.113.7",
    };
    const { line } = await exchange("/names", { headers }, { "X-Model": "large", "X-Other": "no" });
    expect(line).toMatchObject({ address: "203.0.113.7" });
    expect(line.headers).toEqual({ "user-agent": "curl/8", "x-tenant": "acme" });
    expect(line.responseHeaders).toEqual({ "x-model": "large" });
  });

  test("at most 200 characters of each", async () => {
    const { line } = await exchange("/long", { headers: { "X-Tenant": "a".repeat(500) } });
    expect(line.headers).toEqual({ "x-tenant": "a".repeat(200) });
  });

  test("no members for what is not there, and none in a pool that does not ask for them", async () => {
    const { line } = await exchange("/none");
    for (const member of ["headers", "responseHeaders", "address"]) expect(line).not.toHaveProperty(member);
    const headers = { Host: "plain.test", "User-Agent": "curl/8", "CF-Connecting-IP": "203.0.113.7" };
    const { line: plain } = await exchange("/plain", { headers });
    for (const member of ["headers", "responseHeaders", "address"]) expect(plain).not.toHaveProperty(member);
  });

  test("them of a deferred request too, when it is stored and when it is worked", async () => {
    const headers = {
      ...{ Prefer: "respond-async", "X-Tenant": "acme", "CF-Connecting-IP": "203.0.113.7" },
    };
    const { got, line } = await exchange("/later", { method: "POST", headers }, { "X-Model": "large" });
    expect(line).toMatchObject({
      outcome: "deferred",
      headers: { "x-tenant": "acme" },
      address: "203.0.113.7",
    });
    expect(line).not.toHaveProperty("spanId");
    const worked = await stage.sluice.logged((one) => one.path === "/later" && one.outcome === "ok");
    expect(worked).toMatchObject({
      ...{ headers: { "x-tenant": "acme" }, responseHeaders: { "x-model": "large" } },
      ...{ address: "203.0.113.7", traceId: line.traceId },
    });
    expect(got.traceparent).toBe(`00-${worked.traceId}-${worked.spanId}-01`);
  });
});

describe("a traceparent", () => {
  test("that is valid goes to the server as it is, and its ids are in the log", async () => {
    const headers = { traceparent: TRACEPARENT, tracestate: "vendor=1" };
    const { got, line } = await exchange("/valid", { headers });
    expect(got).toMatchObject(headers);
    const [, traceId, spanId] = TRACEPARENT.split("-");
    expect(line).toMatchObject({ traceId, spanId });
  });

  test.each([
    ["is made where there is none", {}],
    ["takes the place of one that is not valid, and the tracestate goes", { traceparent: "00-0-0-0" }],
    ["takes the place of several", { traceparent: [TRACEPARENT, TRACEPARENT] }],
  ])("%s", async (what, headers) => {
    const path = `/made-${what.length}`;
    const { got, line } = await exchange(path, { headers: { ...headers, tracestate: "vendor=1" } });
    expect(got).not.toHaveProperty("tracestate");
    expect(got.traceparent).toBe(`00-${line.traceId}-${line.spanId}-01`);
    expect(line.traceId).toBe(String(line.requestId).replaceAll("-", ""));
  });

  test("is passed on and not made with `pass`", async () => {
    const { got, line } = await exchange("/pass", {
      headers: { Host: "plain.test", tracestate: "vendor=1" },
    });
    expect(got).not.toHaveProperty("traceparent");
    expect(got.tracestate).toBe("vendor=1");
    expect(line).not.toHaveProperty("traceId");
    const headers = { Host: "plain.test", traceparent: "hello" };
    expect((await exchange("/pass-wrong", { headers })).got.traceparent).toBe("hello");
  });
});
