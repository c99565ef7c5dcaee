import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Refusal, type RefusalCode } from "../../src/refusals/refusal.ts";
import { refusalResponse } from "../../src/refusals/response.ts";

interface Circumstances {
  retryAfterMs?: number | null;
  accept?: string;
  method?: string;
  detail?: string;
  pool?: string | null;
}

function answer(code: RefusalCode, given: Circumstances = {}): Response {
  const { accept, method = "GET", detail = "Why.", pool = "web", retryAfterMs } = given;
  const headers = new Headers(accept === undefined ? {} : { accept });
  const outlook =
    retryAfterMs === undefined ? undefined : { queued: 7, estimatedWaitMs: 1_500, retryAfterMs };
  return refusalResponse(
    new Refusal(code, detail, pool, { outlook }),
    new Request("http://x.test/", { method, headers }),
    "id-1",
  );
}

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

describe("each refusal has its status, and says when to ask again where that helps", () => {
  test.each([
    ["no-pool", 404, null],
    ["queue-full", 503, "5"],
    ["flow-queue-full", 429, "5"],
    ["queue-timeout", 503, "5"],
    ["no-server", 503, "10"],
    ["bad-gateway", 502, null],
    ["server-timeout", 504, null],
    ["pool-unavailable", 503, "5"],
    ["misconfigured", 500, null],
    ["unauthorized", 401, null],
    ["admin-disabled", 503, null],
    ["unknown-pool", 404, null],
    ["unknown-server", 404, null],
    ["invalid-request", 400, null],
    ["drain-held", 409, null],
    ["state-changed", 409, null],
  ] as const)("%s: %d, Retry-After %s", (code, status, retryAfter) => {
    const response = answer(code);
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(retryAfter);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-request-id")).toBe("id-1");
  });
});

describe("a pool that knows when there is room says so:", () => {
  test.each([
    [0, "1"],
    [1, "1"],
    [1_000, "1"],
    [1_001, "2"],
    [119_999.5, "120"],
    [3_600_000, "3600"],
    [Number.POSITIVE_INFINITY, "3600"],
    [null, "5"],
  ])("in %d ms is Retry-After %s", (retryAfterMs, retryAfter) => {
    expect(answer("queue-full", { retryAfterMs }).headers.get("retry-after")).toBe(retryAfter);
  });

  test.each([
    [1_000, "a second"],
    [2_000, "2 seconds"],
    [59_000, "59 seconds"],
    [60_000, "a minute"],
    [61_000, "about 2 minutes"],
    [120_000, "about 2 minutes"],
    [3_541_000, "about 60 minutes"],
    [3_600_000, "an hour"],
    [null, "5 seconds"],
  ])("in %d ms is in words %s", async (retryAfterMs, words) => {
    const page = await answer("queue-full", { accept: "text/html", retryAfterMs }).text();
    expect(page).toContain(`<p>You may try again in ${words}.</p>`);
  });

  test("and how many wait, and for how long", async () => {
    expect(await answer("queue-full", { retryAfterMs: 1 }).json()).toMatchObject({
      queued: 7,
      estimatedWaitMs: 1_500,
    });
  });
});

test("no time is told where trying again does not help", async () => {
  expect(await answer("bad-gateway", { accept: "text/html" }).text()).not.toContain("try again");
});

test("a refusal's own headers go along with those of its code", () => {
  const headers = { "Preference-Applied": "wait=3" };
  const refusal = new Refusal("websocket-version", "", null, { headers });
  const response = refusalResponse(refusal, new Request("http://x.test/"), "id-1");
  expect(response.headers.get("preference-applied")).toBe("wait=3");
  expect(response.headers.get("sec-websocket-version")).toBe("13");
});

describe("as JSON", () => {
  test("it is a problem of RFC 9457 with code and pool, and nothing else", async () => {
    const response = answer("queue-full");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: "Too many requests are waiting",
      status: 503,
      detail: "Why.",
      instance: "id-1",
      code: "queue-full",
      pool: "web",
    });
  });

  test("there is no pool in it where none was found", async () => {
    expect(await answer("no-pool", { pool: null }).json()).not.toHaveProperty("pool");
  });
});

describe("as a page", () => {
  test("it says the same", async () => {
    const response = answer("queue-full", { accept: BROWSER });
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const page = await response.text();
    for (const part of [
      "503",
      "Too many requests are waiting",
      "Why.",
      "queue-full",
      "id-1",
      "<!doctype html>",
    ]) {
      expect(page).toContain(part);
    }
  });

  test("it brings its own icon: a browser would ask the pool that has just refused for one", async () => {
    expect(await answer("queue-full", { accept: BROWSER }).text()).toContain(
      '<link rel="icon" href="data:,">',
    );
  });

  test("its policy allows its own style and icon, and nothing else", async () => {
    const response = answer("queue-full", { accept: BROWSER });
    const style = /<style>(.*)<\/style>/s.exec(await response.text())?.[1] as string;
    const digest = createHash("sha256").update(style).digest("base64");
    expect(response.headers.get("content-security-policy")?.split("; ").sort()).toEqual([
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src data:",
      `style-src 'sha256-${digest}'`,
    ]);
  });

  test("what comes from outside is escaped", async () => {
    const detail = `<script>alert("1")</script> & 'x'`;
    const page = await answer("invalid-request", { accept: "text/html", detail }).text();
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;");
    const request = new Request("http://x.test/", { headers: { accept: "text/html" } });
    const id = '"><img src=x>';
    expect(await refusalResponse(new Refusal("no-pool", ""), request, id).text()).not.toContain("<img");
  });
});

describe("the client chooses", () => {
  test.each([
    ["text/html"],
    [BROWSER],
    ["TEXT/HTML"],
    ["text/html;level=1, application/json"],
    ["application/xhtml+xml"],
    ["text/html;q=0.5, application/json;q=0.4"],
    ["application/json;q=0.4 , text/html ; q=0.5"],
    ["text/html, application/problem+json"],
  ])("a page with %s", (accept) => {
    expect(answer("no-pool", { accept }).headers.get("content-type")).toMatch("text/html");
  });

  test.each([
    [undefined],
    [""],
    ["*/*"],
    ["text/*"],
    ["application/json"],
    ["application/problem+json, text/html;q=0.9"],
    ["text/html;q=0"],
    ["text/html;q=nonsense"],
    ["text/plain, image/png"],
    [",;q=,,"],
  ])("JSON with %s", (accept) => {
    const response = answer("no-pool", accept === undefined ? {} : { accept });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("vary")).toBe("Accept");
  });
});

test("HEAD gets the same headers and no body", async () => {
  const response = answer("queue-full", { method: "HEAD" });
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("5");
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.body).toBeNull();
});
