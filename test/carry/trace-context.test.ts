import { describe, expect, test } from "vitest";
import { setTraceContext, traceContextOf } from "../../src/carry/trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const UUID = "6f1c2a8e-6f0e-4a35-9a52-2f4c0e3b7d11";
const MADE = /^00-([\da-f]{32})-([\da-f]{16})-01$/;

const context = (headers: Record<string, string>, requestId = "mine-1", makes = true) =>
  traceContextOf(new Headers(headers), requestId, makes);

describe("a traceparent", () => {
  test.each([
    `00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-00`,
    `00-${TRACE}-${SPAN}-ff`,
    `cc-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`,
  ])("that is valid stays as it is: %s", (traceparent) => {
    const found = context({ traceparent });
    expect(found).toEqual({ traceparent, traceId: TRACE, spanId: SPAN, isNew: false });
    const headers = new Headers({ traceparent, tracestate: "a=1" });
    setTraceContext(headers, found);
    expect([...headers]).toEqual([
      ["traceparent", traceparent],
      ["tracestate", "a=1"],
    ]);
  });

  test.each([
    ["none", undefined],
    ["an empty one", ""],
    ["one without flags", `00-${TRACE}-${SPAN}`],
    ["the version that is forbidden", `ff-${TRACE}-${SPAN}-01`],
    ["more than its version has", `00-${TRACE}-${SPAN}-01-x`],
    ["more without a dash", `cc-${TRACE}-${SPAN}-01x`],
    ["capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["no trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["no span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a short trace", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["two of them", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ["something else", "hello"],
  ])("takes the place of %s, and the tracestate goes", (_, traceparent) => {
    const given = { tracestate: "a=1", ...(traceparent === undefined ? {} : { traceparent }) };
    const made = context(given);
    const [, traceId, spanId] = MADE.exec(made?.traceparent ?? "") ?? [];
    expect(made).toEqual({ traceparent: expect.stringMatching(MADE), traceId, spanId, isNew: true });
    const headers = new Headers(given);
    setTraceContext(headers, made);
    expect([...headers]).toEqual([["traceparent", made?.traceparent]]);
  });

  test("that is made is another each time", () => {
    const made = new Set(Array.from({ length: 100 }, () => context({})?.traceparent));
    expect(made.size).toBe(100);
  });

  test("that is made says the request id, if Sluice made that", () => {
    expect(context({}, UUID)?.traceId).toBe(UUID.replaceAll("-", ""));
    expect(context({ "X-Request-Id": "bad id" }, UUID)?.traceId).toBe(UUID.replaceAll("-", ""));
  });

  test("that is made says no request id of a client's, which may come again", () => {
    expect(context({ "X-Request-Id": UUID }, UUID)?.traceId).not.toBe(UUID.replaceAll("-", ""));
  });

  test("is not made where requests are to be passed on as they come", () => {
    expect(context({}, UUID, false)).toBeNull();
    expect(context({ traceparent: "hello" }, UUID, false)).toBeNull();
    expect(context({ traceparent: `00-${TRACE}-${SPAN}-00` }, UUID, false)).toMatchObject({ isNew: false });
    const headers = new Headers({ traceparent: "hello", tracestate: "a=1" });
    setTraceContext(headers, null);
    expect([...headers]).toEqual([
      ["traceparent", "hello"],
      ["tracestate", "a=1"],
    ]);
  });
});
