import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { askBriefly, askEach, askPool } from "../../src/admin/ask-pool.ts";
import type { Env } from "../../src/link/env.ts";
import { Refusal } from "../../src/refusals/refusal.ts";

const POOL = { name: "web", locationHint: null };
const SECOND = 1_000;

/** Fake timers, as the promises here are about tens of seconds. */
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const env = { POOL: { getByName: () => ({}) } } as unknown as Env;

/** A pool whose object takes `afterMs` for each answer. */
function pool(...answers: { afterMs?: number; error?: object }[]) {
  const asked: number[] = [];
  const question = async () => {
    asked.push(Date.now());
    const { afterMs = 0, error } = answers.length > 1 ? (answers.shift() ?? {}) : (answers[0] ?? {});
    await scheduler.wait(afterMs);
    if (error) throw Object.assign(new Error("Broken."), error);
    return "the answer";
  };
  return { asked, question };
}

async function outcome(answer: Promise<unknown>): Promise<{ result: unknown; tookMs: number }> {
  const start = Date.now();
  const settled = answer.then(
    (result) => ({ result, tookMs: Date.now() - start }),
    (result) => ({ result, tookMs: Date.now() - start }),
  );
  await vi.runAllTimersAsync();
  return settled;
}

describe("askPool", () => {
  test("asks once when it is answered", async () => {
    const { asked, question } = pool({});
    expect(await outcome(askPool(env, POOL, question))).toEqual({ result: "the answer", tookMs: 0 });
    expect(asked).toHaveLength(1);
  });

  test("asks again, and soon, when the object restarts meanwhile", async () => {
    const { asked, question } = pool({ error: {} }, { error: { retryable: true } }, {});
    const { result, tookMs } = await outcome(askPool(env, POOL, question));
    expect(result).toBe("the answer");
    expect(asked).toHaveLength(3);
    expect(tookMs).toBeLessThan(100);
  });

  test("does NOT ask again an object that says it is overloaded", async () => {
    const { asked, question } = pool({ error: { overloaded: true, retryable: true } });
    const { result } = await outcome(askPool(env, POOL, question));
    expect(result).toMatchObject({ code: "pool-unavailable", pool: "web" });
    expect(asked).toHaveLength(1);
  });

  test("gives an object up that fails for ten seconds, without saying why to anybody but the log", async () => {
    const { asked, question } = pool({ error: {} });
    const { result, tookMs } = await outcome(askPool(env, POOL, question));
    expect(result).toBeInstanceOf(Refusal);
    expect(result).toMatchObject({ code: "pool-unavailable", pool: "web" });
    expect(String(result)).not.toContain("Broken");
    expect(console.error).toHaveBeenCalledWith(expect.stringContaining("Broken"));
    expect(tookMs).toBeGreaterThan(9 * SECOND);
    expect(tookMs).toBeLessThan(12 * SECOND);
    expect(asked.length).toBeLessThan(40);
  });

  test.each([11, 60, 3_600])(
    "asks again after a restart %d s into a question that waits",
    async (seconds) => {
      const { question } = pool({ afterMs: seconds * SECOND, error: {} }, { error: {} }, {});
      const answer = askPool(env, POOL, question, seconds * SECOND);
      expect(await outcome(answer)).toMatchObject({ result: "the answer" });
    },
  );

  test("asks again through any number of restarts while it waits", async () => {
    const crash = { afterMs: 30 * SECOND, error: {} };
    const { question } = pool(crash, crash, crash, crash, {});
    const answer = askPool(env, POOL, question, 600 * SECOND);
    expect(await outcome(answer)).toMatchObject({ result: "the answer" });
  });

  test("gives an object up that is still not there ten seconds after the wait", async () => {
    const { question } = pool({ error: {} });
    const { result, tookMs } = await outcome(askPool(env, POOL, question, 60 * SECOND));
    expect(result).toMatchObject({ code: "pool-unavailable" });
    expect(tookMs).toBeGreaterThan(69 * SECOND);
    expect(tookMs).toBeLessThan(72 * SECOND);
  });
});

describe("askBriefly", () => {
  test("gives an object up that fails for three seconds, and one that never answers as soon", async () => {
    for (const answer of [{ error: {} }, { afterMs: 3_600 * SECOND }]) {
      const { question } = pool(answer);
      const { result, tookMs } = await outcome(askBriefly(env, POOL, question));
      expect(result).toMatchObject({ code: "pool-unavailable", pool: "web" });
      expect(tookMs).toBeGreaterThan(2 * SECOND);
      expect(tookMs).toBeLessThan(4 * SECOND);
    }
  });
});

test("each pool is asked on its own, and the one that is not reached keeps none from answering", async () => {
  const question = async (stub: unknown) => {
    if ((stub as { name: string }).name === "b") throw new Error("Broken.");
    return "the answer";
  };
  const named = { POOL: { getByName: (name: string) => ({ name }) } } as unknown as Env;
  const pools = ["a", "b", "c"].map((name) => ({ name, locationHint: null }));
  const { result, tookMs } = await outcome(askEach(named, pools, question));
  expect(result).toEqual([
    { name: "a", answer: "the answer" },
    { name: "b", answer: null },
    { name: "c", answer: "the answer" },
  ]);
  expect(tookMs).toBeLessThan(4 * SECOND);
});
