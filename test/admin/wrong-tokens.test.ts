import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { admin } from "../../src/admin/app.ts";
import { WrongTokens } from "../../src/admin/sign-in/wrong-tokens.ts";
import { BEARER } from "./support.ts";

const ENV = { ADMIN_TOKEN: BEARER.Authorization.slice("Bearer ".length) };

describe("the pause after a wrong token", () => {
  test("is a fifth of a second for one alone", () => {
    const wrong = new WrongTokens();
    expect([wrong.pauseMs(1_000), wrong.pauseMs(60_000)]).toEqual([200, 200]);
  });

  test("grows while more come, so that no more than five a second are answered", () => {
    const wrong = new WrongTokens();
    expect([0, 0, 0, 100, 900].map((now) => wrong.pauseMs(now))).toEqual([200, 400, 600, 700, 200]);
  });

  test("holds ten requests at most: a flood of them would take the memory of all others", () => {
    const wrong = new WrongTokens();
    const pauses = Array.from({ length: 10_000 }, () => wrong.pauseMs(0));
    expect(pauses.filter((ms) => ms > 0)).toHaveLength(10);
    expect(Math.max(...pauses)).toBe(2_000);
    expect(wrong.pauseMs(2_000)).toBe(200);
  });
});

describe("on the admin side", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "Date"] });
    vi.spyOn(console, "error").mockImplementation(() => {});
    // workerd's crypto has it, Node's does not.
    const timingSafeEqual = (a: ArrayBuffer, b: ArrayBuffer) => Buffer.from(a).equals(Buffer.from(b));
    Object.assign(crypto.subtle, { timingSafeEqual });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  });

  const ask = async (headers: Record<string, string>) =>
    (await admin.request("/_sluice/api/pools", { headers }, ENV)).status;
  const isOpen = async (answer: Promise<unknown>) =>
    (await Promise.race([answer, new Promise((resolve) => setImmediate(resolve, "open"))])) === "open";

  test("a wrong token is answered after the pause; the right one, and none at all, at once", async () => {
    const wrong = ask({ Authorization: "Bearer wrong" });
    await vi.waitUntil(() => vi.getTimerCount() === 1);
    // 500: the right token gets as far as the missing POOLS.
    expect(await ask(BEARER)).toBe(500);
    expect(await ask({})).toBe(401);
    expect(await isOpen(wrong)).toBe(true);
    await vi.runAllTimersAsync();
    expect(await wrong).toBe(401);
  });
});
