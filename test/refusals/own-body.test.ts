import { describe, expect, test } from "vitest";
import type { Pages } from "../../src/config/pages.ts";
import { poolRefusalResponse } from "../../src/refusals/own-body.ts";
import { Refusal, type RefusalCode } from "../../src/refusals/refusal.ts";
import { refusalResponse } from "../../src/refusals/response.ts";

const BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8";
const ENV = {
  PAGE: '<p title="{{message}}">{{requestId}} {{retryAfter}} {{pool}} {{other}} {{ pool }}</p>',
  PROBLEM: JSON.stringify({
    ...{ type: "https://example.com/busy", title: "Busy", detail: "Later.", support: "help@example.com" },
    ...{ status: 200, code: "ok", instance: "x", queued: -1, estimatedWaitMs: -1 },
  }),
};
const PAGES: Pages = {
  "queue-full": { html: "PAGE", json: "PROBLEM" },
  "no-server": { html: null, json: "PROBLEM" },
};

function refuse(
  code: RefusalCode,
  accept: string,
  given: { method?: string; detail?: string; id?: string } = {},
) {
  const { method = "GET", detail = "Why.", id = "id-1" } = given;
  const refusal = new Refusal(code, detail, "web");
  const request = new Request("http://x.test/", { method, headers: { accept } });
  const own = poolRefusalResponse(ENV, PAGES, refusal, request, id);
  return { own, ours: refusalResponse(refusal, request, id) };
}

describe("an own page", () => {
  test("is what browsers get, with its placeholders filled in", async () => {
    const { own } = refuse("queue-full", BROWSER);
    expect(await own.text()).toBe('<p title="Why.">id-1 5 web {{other}} {{ pool }}</p>');
  });

  test("has the status and the headers of ours, but for what it may load", () => {
    const { own, ours } = refuse("queue-full", BROWSER);
    expect(own.status).toBe(503);
    const policy = "content-security-policy";
    const others = (response: Response) => [...response.headers].filter(([name]) => name !== policy);
    expect(others(own)).toEqual(others(ours));
    expect(Object.fromEntries(others(own))).toMatchObject({
      "cache-control": "no-store",
      "retry-after": "5",
      "x-content-type-options": "nosniff",
      "x-request-id": "id-1",
    });
    expect(own.headers.get(policy)).toBe("frame-ancestors 'none'");
    expect(ours.headers.get(policy)).toContain("default-src 'none'");
  });

  test("shows whatever is filled in as text, and nothing in it is filled in again", async () => {
    const detail = `<script>"'&{{requestId}}`;
    const { own } = refuse("queue-full", BROWSER, { detail, id: "{{pool}}$&" });
    expect(await own.text()).toBe(
      '<p title="&lt;script&gt;&quot;&#39;&amp;{{requestId}}">{{pool}}$&amp; 5 web {{other}} {{ pool }}</p>',
    );
  });

  test("is not sent to HEAD, whose headers are the same", async () => {
    const { own } = refuse("queue-full", BROWSER, { method: "HEAD" });
    expect(own.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await own.text()).toBe("");
  });
});

test("what a pool knows is in an own page, and own members do not take its place", async () => {
  const outlook = { queued: 7, estimatedWaitMs: null, retryAfterMs: 61_000 };
  const refusal = new Refusal("queue-full", "Why.", "web", { outlook });
  const answered = (accept: string) =>
    poolRefusalResponse(ENV, PAGES, refusal, new Request("http://x.test/", { headers: { accept } }), "id-1");
  expect(await answered(BROWSER).text()).toContain("id-1 61 web");
  expect(await answered("*/*").json()).toMatchObject({ title: "Busy", queued: 7, estimatedWaitMs: null });
});

describe("own members", () => {
  test("are added to the problem, whose status, code and instance stay", async () => {
    const { own } = refuse("queue-full", "application/json");
    expect(own.headers.get("content-type")).toBe("application/problem+json");
    expect(own.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await own.json()).toEqual({
      ...{ type: "https://example.com/busy", title: "Busy", detail: "Later.", support: "help@example.com" },
      ...{ status: 503, code: "queue-full", instance: "id-1", pool: "web" },
    });
  });

  test("leave a page without a variable of its own as it is", async () => {
    const { own, ours } = refuse("no-server", BROWSER);
    expect(await own.text()).toBe(await ours.text());
    expect([...own.headers]).toEqual([...ours.headers]);
  });
});

test("a refusal without pages is ours", async () => {
  for (const accept of [BROWSER, "*/*"]) {
    const { own, ours } = refuse("queue-timeout", accept);
    expect(await own.text()).toBe(await ours.text());
    expect([...own.headers]).toEqual([...ours.headers]);
  }
});
