import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Change, type Changes, Problem } from "../../src/dashboard/page/api.ts";
import { AuditList } from "../../src/dashboard/page/audit-list.ts";
import { ago } from "./snapshots.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const CHANGE: Change = {
  id: 1,
  at: ago(60),
  by: "ci",
  via: "token",
  address: "203.0.113.7",
  agent: "node",
  act: "drain",
  owner: "deploy-42",
  reason: "v2",
  answer: "done",
};

interface Question {
  pool: string;
  limit: number;
  answer: (changes: Change[], next?: string | null) => Promise<void>;
  refuse: (problem: Problem) => Promise<void>;
}

/** The list of the pool `web`; the test plays the API. */
function asking() {
  const questions: Question[] = [];
  const list = new AuditList(
    (pool, limit) => {
      const { promise, resolve, reject } = Promise.withResolvers<Changes>();
      questions.push({
        pool,
        limit,
        answer: async (changes, next = null) => {
          resolve({ changes, next });
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
  list.choose("web");
  return { list, questions };
}

describe("the list of changes is asked for", () => {
  test("once, and again with news only, and no more often than every three seconds", async () => {
    const { list, questions } = asking();
    list.keepUp("1");
    list.keepUp("2");
    await questions[0]?.answer([CHANGE]);
    expect(list.changes).toEqual([CHANGE]);
    vi.advanceTimersByTime(60_000);
    list.keepUp("1");
    expect(questions).toHaveLength(1);
    list.keepUp("2");
    await questions[1]?.answer([]);
    list.keepUp("3");
    expect(questions).toHaveLength(2);
    vi.advanceTimersByTime(3_000);
    list.keepUp("3");
    expect(questions).toHaveLength(3);
  });

  test("anew for another pool, and what comes of the former one is of no use", async () => {
    const { list, questions } = asking();
    list.keepUp("1");
    list.choose("other");
    expect(list.changes).toBeNull();
    list.keepUp("1");
    expect(questions.map(({ pool }) => pool)).toEqual(["web", "other"]);
    await questions[0]?.answer([CHANGE]);
    expect(list.changes).toBeNull();
    await questions[1]?.answer([]);
    expect(list.changes).toEqual([]);
  });

  test("again after a failure, and keeps what it had; but not while the page is signed out", async () => {
    const { list, questions } = asking();
    list.keepUp("1");
    await questions[0]?.answer([CHANGE]);
    vi.advanceTimersByTime(3_000);
    list.keepUp("2");
    await questions[1]?.refuse(new Problem(503, "pool-unavailable", "The pool cannot be reached", ""));
    expect([list.problem?.status, list.changes]).toEqual([503, [CHANGE]]);
    vi.advanceTimersByTime(3_000);
    list.keepUp("2");
    await questions[2]?.answer([]);
    expect([list.problem, list.changes]).toEqual([null, []]);
    vi.advanceTimersByTime(3_000);
    list.keepUp("3");
    await questions[3]?.refuse(new Problem(401, "unauthorized", "", ""));
    vi.advanceTimersByTime(600_000);
    list.more();
    list.keepUp("4");
    expect(questions).toHaveLength(4);
  });

  test("fifty more each time, up to five hundred", async () => {
    const { list, questions } = asking();
    for (let n = 1; list.mayShowMore || n === 1; n++) {
      list.keepUp("1");
      await questions.at(-1)?.answer([CHANGE], "a place");
      list.more();
    }
    expect(questions.map(({ limit }) => limit)).toEqual([50, 100, 150, 200, 250, 300, 350, 400, 450]);
    list.keepUp("1");
    await questions.at(-1)?.answer([CHANGE], "a place");
    expect([questions.at(-1)?.limit, list.hasMore, list.mayShowMore]).toEqual([500, true, false]);
  });
});
