import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { DeferredStatus } from "../../src/link/deferred-calls.ts";
import { waitingPage } from "../../src/proxy/waiting-page.ts";

const STATUS: DeferredStatus = {
  id: "5ec1".repeat(24),
  at: { pool: "web", host: "app.test" },
  state: "queued",
  place: 7,
  startsInMs: 41_000,
  acceptedAt: 0,
  startedAt: null,
  endedAt: null,
  attempts: 0,
  expiresAt: 0,
  answer: null,
  problem: null,
  pageAt: "https://app.test/x",
};

interface Shown extends Partial<DeferredStatus> {
  requestId?: string;
  url?: string;
}

function show({ requestId = "id-1", url = "/shop/page?x=1", ...status }: Shown = {}, env: object = {}) {
  const target = { origin: "https://app.test", host: "app.test", path: "", pathAndQuery: url };
  return waitingPage(env, { ...STATUS, ...status }, { target, pool: "web", requestId });
}

const titleOf = (html: string) => /<title>(.*)<\/title>/.exec(html)?.[1];

describe("the waiting page", () => {
  test("is no answer to keep: 202, for this visitor and this moment", () => {
    const { status, headers } = show();
    expect(status).toBe(202);
    expect(Object.fromEntries(headers)).toMatchObject({
      "cache-control": "no-store",
      "content-type": "text/html; charset=utf-8",
      "retry-after": "10",
      "x-content-type-options": "nosniff",
      "x-request-id": "id-1",
      "x-robots-tag": "noindex",
    });
    expect(headers.has("refresh")).toBe(false);
  });

  test("shows place and estimate, in its title too, and whom to name to the operators", async () => {
    const html = await show().text();
    expect(titleOf(html)).toBe("Place 7 in line");
    expect(html).toMatch(/<strong id="place"[^>]*>7<\/strong>/);
    expect(html).toContain("in about 41 seconds");
    expect(html).toContain("request id-1");
  });

  test.each([
    [{ startsInMs: null }, "not known yet", 5],
    [{ place: 1, startsInMs: 0 }, "next", 2],
    [{ place: null, startsInMs: null }, "not known at the moment", 5],
    [{ state: "running", place: null, startsInMs: null }, "now", 1],
    [{ startsInMs: 7_200_000 }, "in about 2 hours", 10],
  ] as const)(
    "says what is known of %j, and reloads the sooner the nearer its turn is",
    async (status, says, s) => {
      const html = await show(status).text();
      expect(html).toContain(says);
      expect(html).toContain(
        `<noscript><meta http-equiv="refresh" content="${s}; url=./page?x=1"></noscript>`,
      );
    },
  );

  test.each([
    ["/", "./"],
    ["/shop/", "./"],
    ["/a?", "./a?"],
    ["/a?b=/c?d", "./a?b=/c?d"],
    ["//evil.test/x", "./x"],
    ["//evil.test", "./evil.test"],
    ["/a:b", "./a:b"],
    ['/é"<', "./%C3%A9%22%3C"],
  ])("at %s reloads just that, without its fragment", (at, url) => {
    const { headers } = show({ url: at }, { WAITING_PAGE: "" });
    expect(headers.get("refresh")).toBe(`10; url=${url}`);
    expect(new URL(url, `https://app.test${at}#part`).href).toBe(new URL(`https://app.test${at}`).href);
  });

  test("has one script, which its policy names by its digest, and may ask nobody but Sluice", async () => {
    const response = show();
    const policy = response.headers.get("content-security-policy") ?? "";
    const [, script = "", ...more] = (await response.text()).split(/<script type="module">|<\/script>/);
    expect(more).toHaveLength(1);
    const digest = createHash("sha256").update(script).digest("base64");
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        `script-src 'sha256-${digest}'`,
        "connect-src 'self'",
        "frame-ancestors 'none'",
      ]),
    );
  });
});

describe("an own page", () => {
  const own = (text: string) => ({ WAITING_PAGE: text });

  test("is filled in, and reloads itself", async () => {
    const response = show(
      {},
      own("{{place}}|{{estimate}}|{{seconds}}|{{pool}}|{{requestId}}|{{status}}|{{other}}"),
    );
    expect(await response.text()).toBe(
      `7|in about 41 seconds|41|web|id-1|/_sluice/requests/${STATUS.id}|{{other}}`,
    );
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-security-policy": "frame-ancestors 'none'",
      refresh: "10; url=./page?x=1",
    });
  });

  test("has nothing to fill in where nothing is known", async () => {
    const response = show({ place: null, startsInMs: null }, own("[{{place}}|{{seconds}}|{{estimate}}]"));
    expect(await response.text()).toBe("[||not known yet]");
  });

  test("shows what comes from outside as text, and nothing in it is filled in again", async () => {
    const response = show({ requestId: "<b>{{pool}}$&" }, own("<p>{{requestId}}</p>"));
    expect(await response.text()).toBe("<p>&lt;b&gt;{{pool}}$&amp;</p>");
  });
});
