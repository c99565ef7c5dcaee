import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { ask, BEARER, CLOSED_ROUTES, IDLE_POOLS, problemOf, type Route } from "./support.ts";

let sluice: Sluice;
beforeAll(async () => {
  sluice = await Sluice.start({ pools: IDLE_POOLS, bundle: "production" });
});
afterAll(() => sluice.stop());

type Refused = [status: number, code: string, line: string, headers: Record<string, string>, body?: string];

const REFUSED: Refused[] = [
  [401, "unauthorized", "GET /_sluice/api/pools", {}],
  [403, "forbidden", "POST /_sluice/api/pools/web/drain", { ...BEARER, "Sec-Fetch-Site": "cross-site" }],
  [404, "unknown-route", "GET /_sluice/api/<b>", BEARER],
  [404, "unknown-pool", "GET /_sluice/api/pools/<b>", BEARER],
  [404, "unknown-server", "PATCH /_sluice/api/pools/web/servers/<b>", BEARER],
  [404, "unknown-lease", "DELETE /_sluice/api/pools/web/leases/<b>", BEARER],
  [404, "unknown-request", "DELETE /_sluice/api/pools/web/deferred/<b>", BEARER],
  [400, "invalid-request", "GET /_sluice/api/pools/web/deferred?state=<b>", BEARER],
  [400, "invalid-request", "POST /_sluice/api/pools/web/drain", BEARER, '"<b>"'],
];

function routeOf(line: string): Route {
  const [method = "", path = ""] = line.split(" ");
  return { method, path };
}

describe("an answer of the admin side", () => {
  test.each(CLOSED_ROUTES)("is never stored by a cache: $method $path", async (route) => {
    const response = await ask(sluice, route);
    expect(response.headers.get("cache-control")).toMatch(/^no-store\b/);
  });

  test.each(REFUSED)(
    "that refuses, %d %s, is problem+json, stored nowhere",
    async (status, code, line, headers, body) => {
      const response = await ask(sluice, routeOf(line), headers, body);
      const problem = await problemOf(response, status, code);
      expect(problem.detail.length).toBeGreaterThan(10);
      expect(JSON.stringify(problem)).not.toMatch(/Error:|\bat \S+:\d+|index\.js/);
      expect(response.headers.has("www-authenticate")).toBe(code === "unauthorized");
    },
  );

  test.each(REFUSED)(
    "that refuses, %d %s, is a page for a browser, with nothing of the request in it unescaped",
    async (status, code, line, headers, body) => {
      const html = { ...headers, Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
      const response = await ask(sluice, routeOf(line), html, body);
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(response.headers.get("cache-control")).toBe("no-store");
      const page = await response.text();
      expect(page).toContain(code);
      expect(page).not.toContain("<b>");
    },
  );

  test.each([
    ["GET", (name: string) => `/_sluice/api/pools/${name}`],
    ["PATCH", (name: string) => `/_sluice/api/pools/web/servers/${name}`],
    ["DELETE", (name: string) => `/_sluice/api/pools/web/leases/${name}`],
  ])(
    "that knows no such thing names what was asked for, in no more than a line: %s",
    async (method, path) => {
      const detail = async (name: string) => {
        const response = await ask(sluice, { method, path: path(encodeURIComponent(name)) });
        return JSON.parse(await response.text()).detail as string;
      };
      expect(await detail("wep")).toContain('"wep"');
      expect(await detail('a\n"b"\u0000')).toContain('"a\\n\\"b\\"\\u0000"');
      expect((await detail("x".repeat(2_000))).length).toBeLessThan(160);
    },
  );

  test("has an id of its own, that a log line may name", async () => {
    const route = { method: "GET", path: "/_sluice/api" };
    const [first, second] = [await ask(sluice, route), await ask(sluice, route)];
    expect(first.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(first.headers.get("x-request-id")).not.toBe(second.headers.get("x-request-id"));
  });

  test("writes no token and no stack to the log", () => {
    const output = sluice.output.join("\n");
    expect(output).not.toContain(TOKEN);
    expect(output).not.toMatch(/\n\s+at /);
  });
});
