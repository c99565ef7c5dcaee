import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DeferredAddress } from "../../src/link/deferred-id.ts";
import type { Env } from "../../src/link/env.ts";
import { reachDeferred } from "../../src/requests/reach-deferred.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const env = { DEFERRED: { get: () => ({}) } } as unknown as Env;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: sleep });
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Each call takes so long and fails, until one of 0 ms. Resolves with how many were made, or the error's code. */
async function reach(...callsMs: number[]): Promise<number | string> {
  let calls = 0;
  const call = async () => {
    const ms = callsMs[calls++] ?? callsMs.at(-1) ?? 0;
    if (ms === 0) return calls;
    await sleep(ms);
    throw new Error("the object restarts");
  };
  const reached = reachDeferred(env, {} as DeferredAddress, call).catch(({ code }) => code);
  await vi.runAllTimersAsync();
  return reached;
}

describe("an object that restarts", () => {
  test("is called again", async () => expect(await reach(1, 1, 1, 0)).toBe(4));

  test("is called again after each restart in a long wait", async () =>
    expect(await reach(29_000, 29_000, 29_000, 0)).toBe(4));

  test.for([1, 2_000])("and never answers is given up: each call takes %i ms", async (ms) =>
    expect(await reach(ms)).toBe("pool-unavailable"),
  );
});
