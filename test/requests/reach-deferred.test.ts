import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DeferredAddress, DeferredStub } from "../../src/link/deferred-id.ts";
import type { Env } from "../../src/link/env.ts";
import { reachDeferred } from "../../src/requests/reach-deferred.ts";

const NEVER = Number.POSITIVE_INFINITY;
const sleep = (ms: number) => new Promise((resolve) => ms === NEVER || setTimeout(resolve, ms));
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

interface Reached {
  /** How many calls were made, or the error's code. */
  result: number | string;
  /** How long they were told to wait for something, in ms. */
  holds: number[];
  /** How long it took, in ms. */
  tookMs: number;
}

/** Each call takes so long and fails, until one of 0 ms. */
async function reach(holdMs: number, ...callsMs: number[]): Promise<Reached> {
  const holds: number[] = [];
  const call = async (_: DeferredStub, hold: number) => {
    const ms = callsMs[holds.length] ?? callsMs.at(-1) ?? 0;
    holds.push(hold);
    if (ms === 0) return holds.length;
    await sleep(ms);
    throw new Error("the object restarts");
  };
  const startedAt = Date.now();
  const reached = reachDeferred(env, {} as DeferredAddress, call, { holdMs })
    .catch(({ code }) => code)
    .then((result) => ({ result, holds, tookMs: Date.now() - startedAt }));
  await vi.runAllTimersAsync();
  return reached;
}

describe("an object that restarts", () => {
  test("is called again", async () => expect((await reach(0, 1, 1, 1, 0)).result).toBe(4));

  test("is called again after each restart in a long wait, for what is left of it", async () => {
    const { result, holds } = await reach(30_000, 20_000, 9_000, 3_000, 0);
    expect(result).toBe(4);
    expect(holds.map((ms) => Math.round(ms / 1_000))).toEqual([30, 10, 1, 0]);
  });
});

describe("an object that never answers is given up ten seconds after the wait that was asked for,", () => {
  test.for([
    [0, 1],
    [0, 2_000],
    [0, 9_500],
    [0, NEVER],
    [30_000, 2_000],
    [30_000, 29_000],
    [30_000, NEVER],
  ] as const)("which is %i ms, where each call takes %i ms", async ([holdMs, callMs]) => {
    const { result, tookMs } = await reach(holdMs, callMs);
    expect(result).toBe("pool-unavailable");
    expect(tookMs).toBeGreaterThan(holdMs + 8_000);
    expect(tookMs).toBeLessThanOrEqual(holdMs + 10_000);
  });
});
