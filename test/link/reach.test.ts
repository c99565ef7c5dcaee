import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Env } from "../../src/link/env.ts";
import { backoffMs, type PoolStub, reach, TICKET_PAUSE } from "../../src/link/reach.ts";
import { LONGEST_PAUSE_MS, Regroup } from "../../src/scheduler/waiting/regroup.ts";

test("no ticket pauses for longer than its turn is kept for it after a restart of its pool", () => {
  const pauses = Array.from({ length: 50 }, (_, n) => backoffMs(n + 1, TICKET_PAUSE.longestPauseMs, () => 1));
  const longest = Math.max(...pauses);
  expect(longest).toBe(LONGEST_PAUSE_MS);
  const regroup = new Regroup(0, true);
  expect(regroup.end(longest)).toBe(false);
  expect(regroup.active).toBe(true);
});

describe("a call to a pool's object", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const stubs = () => {
    let made = 0;
    return { POOL: { getByName: () => `fresh ${++made}` } } as unknown as Env;
  };
  const POOL = { name: "web", locationHint: null };

  test("goes on with the stub that was given, and after a failure with a fresh one each time", async () => {
    const used: PoolStub[] = [];
    const answer = reach(
      stubs(),
      POOL,
      async (stub) => {
        used.push(stub);
        if (used.length < 4) throw new Error("the object restarts");
        return "done";
      },
      () => {},
      { first: "given" as unknown as PoolStub },
    );
    await vi.runAllTimersAsync();
    expect(await answer).toBe("done");
    expect(used).toEqual(["given", "fresh 1", "fresh 2", "fresh 3"]);
  });

  test("is made again after longer and longer pauses, which begin anew once the object was reached", async () => {
    const pauses: number[] = [];
    const answer = reach(
      stubs(),
      POOL,
      async (_stub, { pausedMs, resetBackoff }) => {
        pauses.push(pausedMs);
        if (pauses.length === 10) return;
        if (pauses.length === 8) resetBackoff();
        throw new Error("the object restarts");
      },
      () => {},
      TICKET_PAUSE,
    );
    await vi.runAllTimersAsync();
    await answer;
    expect(pauses[0]).toBe(0);
    expect(pauses[1]).toBeLessThanOrEqual(20);
    expect(pauses[7]).toBeGreaterThanOrEqual(LONGEST_PAUSE_MS / 2);
    expect(pauses[7]).toBeLessThanOrEqual(LONGEST_PAUSE_MS);
    expect(pauses[8]).toBeLessThanOrEqual(20);
  });

  test("is given up with the error of whoever is told of a failure", async () => {
    const answer = reach(
      stubs(),
      POOL,
      () => Promise.reject(new Error("the object restarts")),
      () => {
        throw new Error("too late");
      },
    );
    await expect(answer).rejects.toThrow("too late");
  });
});
