import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { admin } from "../../src/admin/app.ts";

const ADMIN_TOKEN = "test-token-7f3a-c2d9";

/** workerd's crypto has it, Node's does not. */
const timingSafeEqual = vi.fn((a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b)));
beforeEach(() => {
  Object.assign(crypto.subtle, { timingSafeEqual });
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  timingSafeEqual.mockClear();
});

test.each([
  ["the right one", ADMIN_TOKEN, 500],
  ["a wrong one of the same length", "test-token-7f3a-c2d8", 401],
  ["a shorter one", "t", 401],
  ["a longer one", ADMIN_TOKEN.repeat(1_000), 401],
])("a token is compared as a digest, in constant time, whatever its length: %s", async (_, token, status) => {
  const headers = { Authorization: `Bearer ${token}` };
  // 500: the right token gets as far as the missing POOLS.
  const response = await admin.request("/_sluice/api/pools", { headers }, { ADMIN_TOKEN });
  expect(response.status).toBe(status);
  expect(timingSafeEqual).toHaveBeenCalledOnce();
  const [left, right] = timingSafeEqual.mock.lastCall ?? [];
  expect([left?.byteLength, right?.byteLength]).toEqual([32, 32]);
});
