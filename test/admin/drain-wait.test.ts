import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { admin } from "../../src/admin/app.ts";
import { TOKEN } from "../support/sluice.ts";
import { BEARER, IDLE_POOLS } from "./support.ts";

const SECOND = 1_000;
const { setImmediate: realImmediate } = globalThis;

/** With fake timers; test/admin/drain-end.test.ts tests the same in real time with a real object. */
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: sleep });
  vi.spyOn(console, "log").mockImplementation(() => {});
  Object.assign(crypto.subtle, { timingSafeEqual: () => true });
});
afterEach(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A pool whose object restarts after each of these waits, and that is drained at last. */
function drainingPool(spellsMs: number[]) {
  const asked: number[] = [];
  const whenDrained = async (timeoutMs: number) => {
    asked.push(timeoutMs);
    const [spellMs] = spellsMs;
    if (spellMs === undefined) return { state: "drained" };
    await sleep(Math.min(spellMs, timeoutMs));
    spellsMs[0] = spellMs - timeoutMs;
    if (spellMs > timeoutMs) return { state: "draining" };
    spellsMs.shift();
    throw new Error("The object was reset.");
  };
  const stub = { drain: async () => ({ answer: "done", snapshot: {} }), whenDrained };
  return { asked, env: { ADMIN_TOKEN: TOKEN, POOLS: IDLE_POOLS, POOL: { getByName: () => stub } } };
}

test("a drain that waits for minutes is waited for through restarts, in pieces that the object can bear", async () => {
  const { asked, env } = drainingPool([60 * SECOND, 125 * SECOND, 29 * SECOND]);
  const init = { method: "POST", headers: BEARER, body: '{"wait": "5m"}' };
  const ctx = { waitUntil: () => {} } as unknown as ExecutionContext;
  let answer: Response | undefined;
  void Promise.resolve(admin.request("/_sluice/api/pools/web/drain", init, env, ctx)).then((response) => {
    answer = response;
  });
  // The token's digest takes real time, which fake timers do not advance.
  while (asked.length === 0) await new Promise((resolve) => realImmediate(resolve));
  for (let seconds = 0; !answer && seconds < 400; seconds++) await vi.advanceTimersByTimeAsync(SECOND);
  expect(await answer?.json()).toEqual({ state: "drained" });
  expect(answer?.status).toBe(200);
  expect(Math.max(...asked)).toBe(30 * SECOND);
  expect(asked.length).toBeLessThan(20);
});
