import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Problem } from "../../src/dashboard/page/api.ts";
import { type Load, PolledList } from "../../src/dashboard/page/polled-list.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Question {
  list: string;
  limit: number;
  answer: (entries: string[], hasMore?: boolean) => Promise<void>;
  refuse: (status: number) => Promise<void>;
}

/** The list `first`; the test plays the API. */
function asking() {
  const questions: Question[] = [];
  const load =
    (list: string): Load<string> =>
    (limit) => {
      const { promise, resolve, reject } = Promise.withResolvers<{ entries: string[]; hasMore: boolean }>();
      questions.push({
        list,
        limit,
        answer: async (entries, hasMore = false) => {
          resolve({ entries, hasMore });
          await vi.advanceTimersByTimeAsync(0);
        },
        refuse: async (status) => {
          reject(new Problem(status, "", "No", ""));
          await vi.advanceTimersByTimeAsync(0);
        },
      });
      return promise;
    };
  const onAnswer = vi.fn();
  const list = new PolledList<string>(onAnswer);
  list.begin(load("first"));
  return { list, questions, load, onAnswer };
}

test("a list is asked for once, and again with news only, and no more often than every three seconds", async () => {
  const { list, questions } = asking();
  list.keepUp("1");
  list.keepUp("2");
  await questions[0]?.answer(["a"]);
  expect(list.entries).toEqual(["a"]);
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

test("it is asked for without news where it may be stale", async () => {
  const { list, questions } = asking();
  list.keepUp("1", 15_000);
  await questions[0]?.answer([]);
  vi.advanceTimersByTime(14_999);
  list.keepUp("1", 15_000);
  expect(questions).toHaveLength(1);
  vi.advanceTimersByTime(1);
  list.keepUp("1", 15_000);
  expect(questions).toHaveLength(2);
});

test("it is asked for at once where that is wanted, but never twice at a time", async () => {
  const { list, questions } = asking();
  list.keepUp("1");
  list.refresh();
  list.keepUp("1");
  expect(questions).toHaveLength(1);
  await questions[0]?.answer([]);
  list.keepUp("1");
  expect(questions).toHaveLength(2);
});

test("every answer is told of, with or without entries", async () => {
  const { list, questions, onAnswer } = asking();
  list.keepUp("1");
  await questions[0]?.answer([]);
  expect(onAnswer).toHaveBeenCalledTimes(1);
  list.keepUp("2");
  vi.advanceTimersByTime(3_000);
  list.keepUp("2");
  await questions[1]?.refuse(503);
  expect(onAnswer).toHaveBeenCalledTimes(2);
});

test("after a failure the entries stay, its reason is known, and the list is asked for again", async () => {
  const { list, questions } = asking();
  list.keepUp("1");
  await questions[0]?.answer(["a"]);
  list.refresh();
  list.keepUp("1");
  await questions[1]?.refuse(503);
  expect(list).toMatchObject({ problem: { status: 503 }, entries: ["a"] });
  list.keepUp("1");
  expect(questions).toHaveLength(2);
  vi.advanceTimersByTime(3_000);
  list.keepUp("1");
  await questions[2]?.answer([]);
  expect(list).toMatchObject({ problem: null, entries: [] });
});

test("signed out, it is never asked for by itself, or the browser would ask for the password each time", async () => {
  const { list, questions } = asking();
  list.keepUp("1");
  await questions[0]?.refuse(401);
  vi.advanceTimersByTime(600_000);
  list.keepUp("2");
  list.refresh();
  list.more();
  list.keepUp("3", 15_000);
  expect(questions).toHaveLength(1);
});

test("the failure of a former list is not another one's, which is asked for even after signing out", async () => {
  const { list, questions, load } = asking();
  list.keepUp("1");
  await questions[0]?.refuse(401);
  list.begin(load("second"));
  expect(list.problem).toBeNull();
  list.keepUp("1");
  expect(questions.map((one) => one.list)).toEqual(["first", "second"]);
});

test("fifty more are asked for each time, up to five hundred", async () => {
  const { list, questions } = asking();
  for (let n = 1; list.mayShowMore || n === 1; n++) {
    list.keepUp("1");
    await questions.at(-1)?.answer(["a"], true);
    list.more();
  }
  expect(questions.map(({ limit }) => limit)).toEqual([50, 100, 150, 200, 250, 300, 350, 400, 450]);
  list.keepUp("1");
  await questions.at(-1)?.answer(["a"], true);
  expect([questions.at(-1)?.limit, list.hasMore, list.mayShowMore]).toEqual([500, true, false]);
});

test("where there are no more, none may be asked for", async () => {
  const { list, questions } = asking();
  list.keepUp("1");
  await questions[0]?.answer(["a"]);
  expect([list.hasMore, list.mayShowMore]).toEqual([false, false]);
});

test("as many are asked for as were wanted, even if that was said while a question was on the way", async () => {
  const { list, questions } = asking();
  list.keepUp("1");
  list.more();
  list.keepUp("1");
  await questions[0]?.answer([], true);
  list.keepUp("1");
  expect(questions.map(({ limit }) => limit)).toEqual([50, 100]);
});

test("another list begins anew, at once, and what comes of the former one is of no use", async () => {
  const { list, questions, load, onAnswer } = asking();
  list.keepUp("1");
  await questions[0]?.answer(["a"], true);
  list.more();
  list.keepUp("1");
  list.begin(load("second"));
  expect(list).toMatchObject({ entries: null, hasMore: false, problem: null });
  list.keepUp("1");
  expect(questions.map((one) => `${one.list} ${one.limit}`)).toEqual(["first 50", "first 100", "second 50"]);
  await questions[2]?.answer(["b"]);
  await questions[1]?.answer(["a"]);
  expect(list.entries).toEqual(["b"]);
  list.begin(load("third"));
  list.keepUp("1");
  list.begin(load("fourth"));
  await questions[3]?.refuse(503);
  expect(list).toMatchObject({ entries: null, problem: null });
  expect(onAnswer).toHaveBeenCalledTimes(2);
});
