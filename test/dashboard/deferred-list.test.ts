import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DeferredRequest, type DeferredRequests, Problem } from "../../src/dashboard/page/api.ts";
import { arranged, DeferredList } from "../../src/dashboard/page/deferred-list.ts";
import { aDeferredPool, aDeferredRequest } from "./snapshots.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Question {
  state: string | null;
  limit: number;
  answer: (requests: DeferredRequest[], next?: number | null) => Promise<void>;
  refuse: (problem: Problem) => Promise<void>;
}

/** A list of the pool `web` in which `failed` have failed; the test plays the API. */
function asking(failed = 1) {
  const questions: Question[] = [];
  const list = new DeferredList(
    (_, state, limit) => {
      const { promise, resolve, reject } = Promise.withResolvers<DeferredRequests>();
      questions.push({
        state,
        limit,
        answer: async (requests, next = null) => {
          resolve({ requests, next });
          await vi.advanceTimersByTimeAsync(0);
        },
        refuse: async (problem) => {
          reject(problem);
          await vi.advanceTimersByTimeAsync(0);
        },
      });
      return promise;
    },
    () => {},
  );
  list.choose(aDeferredPool({ failed }));
  return { list, questions };
}

const counts = (changes = {}) => ({ queued: 0, running: 0, answered: 0, failed: 1, oldestMs: 0, ...changes });

describe("the list is asked for", () => {
  test("at once, and then only when the counts have changed, and no more often than every three seconds", async () => {
    const { list, questions } = asking();
    list.keepUp(counts());
    await questions[0]?.answer([]);
    vi.advanceTimersByTime(60_000);
    list.keepUp(counts({ oldestMs: 60_000 }));
    expect(questions).toHaveLength(1);
    list.keepUp(counts({ failed: 2 }));
    expect(questions).toHaveLength(2);
    await questions[1]?.answer([]);
    list.keepUp(counts({ failed: 3 }));
    expect(questions).toHaveLength(2);
    vi.advanceTimersByTime(3_000);
    list.keepUp(counts({ failed: 3 }));
    expect(questions).toHaveLength(3);
  });

  test("now and then while requests wait or run, which may change places without changing any count", async () => {
    const { list, questions } = asking();
    list.keepUp(counts({ running: 1 }));
    await questions[0]?.answer([]);
    vi.advanceTimersByTime(15_000);
    list.keepUp(counts({ running: 1 }));
    expect(questions).toHaveLength(2);
  });

  test("again after a failure, whose reason is known meanwhile, with what was known before", async () => {
    const { list, questions } = asking();
    list.keepUp(counts());
    await questions[0]?.answer([aDeferredRequest()]);
    list.refresh();
    list.keepUp(counts());
    await questions[1]?.refuse(new Problem(503, "pool-unavailable", "The pool cannot be reached", ""));
    expect(list).toMatchObject({ problem: { status: 503 }, requests: [{ number: 1 }] });
    vi.advanceTimersByTime(3_000);
    list.keepUp(counts());
    await questions[2]?.answer([]);
    expect(list).toMatchObject({ problem: null, requests: [] });
  });

  test("never again by itself once the browser is signed out, or it would ask for the password each time", async () => {
    const { list, questions } = asking();
    list.keepUp(counts());
    await questions[0]?.refuse(new Problem(401, "unauthorized", "The token is missing or wrong", ""));
    vi.advanceTimersByTime(60_000);
    list.keepUp(counts({ failed: 2 }));
    list.refresh();
    list.keepUp(counts({ failed: 3 }));
    expect(questions).toHaveLength(1);
  });

  test("with more entries each time that more are wanted, as far as there are any", async () => {
    const { list, questions } = asking();
    list.keepUp(counts());
    await questions[0]?.answer([], 50);
    expect(list.mayShowMore).toBe(true);
    list.more();
    list.keepUp(counts());
    await questions[1]?.answer([], null);
    expect(questions.map(({ limit }) => limit)).toEqual([50, 100]);
    expect(list.mayShowMore).toBe(false);
  });

  test("with as many as were wanted, even if that was said while a question was on the way", async () => {
    const { list, questions } = asking();
    list.keepUp(counts());
    list.more();
    list.keepUp(counts());
    await questions[0]?.answer([], 50);
    list.keepUp(counts());
    expect(questions.map(({ limit }) => limit)).toEqual([50, 100]);
  });
});

test("an answer to an earlier filter, or of another pool, is not believed", async () => {
  const { list, questions } = asking();
  list.keepUp(counts());
  list.show("queued");
  list.keepUp(counts());
  await questions[1]?.answer([aDeferredRequest({ number: 2, state: "queued" })]);
  await questions[0]?.answer([aDeferredRequest()]);
  expect(list.requests).toMatchObject([{ number: 2 }]);
  list.show("all");
  list.keepUp(counts());
  list.choose({ ...aDeferredPool(), name: "reports" });
  await questions[2]?.answer([aDeferredRequest()]);
  expect(list.requests).toBeNull();
  expect(questions.map(({ state }) => state)).toEqual(["failed", "queued", null]);
});

test("a pool is opened at what has failed; at what waits, if nothing has", () => {
  const filterFor = (deferred: object) => {
    const { list } = asking();
    list.choose({ ...aDeferredPool(deferred), name: "reports" });
    return list.filter;
  };
  expect(filterFor({ failed: 1, queued: 5 })).toBe("failed");
  expect(filterFor({ queued: 5 })).toBe("queued");
  expect(filterFor({})).toBe("failed");
});

describe("the lines of the table", () => {
  const [one, two, three, four] = [1, 2, 3, 4].map((number) => aDeferredRequest({ number })) as [
    DeferredRequest,
    DeferredRequest,
    DeferredRequest,
    DeferredRequest,
  ];
  const before = [one, two, three].map((request) => ({ request, isGone: false }));
  const lines = (rows: ReturnType<typeof arranged>) =>
    rows.map(({ request, isGone }) => `${request.number} ${isGone ? "gone" : request.state}`);

  test("are those of the list", () => {
    expect(lines(arranged(before, [two, four], false, null))).toEqual(["2 failed", "4 failed"]);
  });

  test("do not move while the pointer moves on them: what is gone stays, what is new comes last", () => {
    const again: DeferredRequest = { ...one, number: 9, state: "queued" };
    expect(lines(arranged(before, [three, four, again], true, null))).toEqual([
      "9 queued",
      "2 gone",
      "3 failed",
      "4 failed",
    ]);
  });

  test("keep the one with the focus where it is until the focus leaves", () => {
    expect(lines(arranged(before, [three, four], false, two.id))).toEqual(["2 gone", "3 failed", "4 failed"]);
    expect(lines(arranged(before, [two, three], false, two.id))).toEqual(["2 failed", "3 failed"]);
  });
});
