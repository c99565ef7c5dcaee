import { afterEach, expect, test, vi } from "vitest";
import { admin } from "../../src/admin/app.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("an error that nobody expected is a plain 500: what happened is in the log, under the same id", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const env = {
    get ADMIN_TOKEN(): string {
      throw new TypeError("something internal");
    },
  };
  const response = await admin.request("/_sluice/api/pools", {}, env);
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(text).not.toContain("internal");
  const { instance, ...problem } = JSON.parse(text);
  expect(problem).toEqual({ type: "about:blank", title: "Internal error", status: 500 });
  expect(instance).toBe(response.headers.get("x-request-id"));
  expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(instance));
  expect(log).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("something internal"));
});
