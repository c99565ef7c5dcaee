import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DeferredRequest } from "../../src/dashboard/page/api.ts";
import { arranged, DeferredList } from "../../src/dashboard/page/deferred-list.ts";
import { aDeferredPool, aDeferredRequest } from "./snapshots.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A list of the pool `web` in which one has failed; the test plays the API. */
function listing() {
  const asked: [pool: string, state: string | null, limit: number][] = [];
  const list = new DeferredList(
    async (...question) => {
      asked.push(question);
      return { requests: [aDeferredRequest()], next: 50 };
    },
    () => {},
  );
  list.choose(aDeferredPool({ failed: 1 }));
  const keepUp = async (changes = {}) => {
    list.keepUpWith({ queued: 0, running: 0, answered: 0, failed: 1, oldestMs: 0, ...changes });
    await vi.advanceTimersByTimeAsync(0);
  };
  return { list, asked, keepUp };
}

test("the list is asked for again when the counts have changed, and not for an age", async () => {
  const { list, asked, keepUp } = listing();
  await keepUp();
  expect(list).toMatchObject({ entries: [{ number: 1 }], hasMore: true });
  vi.advanceTimersByTime(60_000);
  await keepUp({ oldestMs: 60_000 });
  expect(asked).toHaveLength(1);
  for (const change of ["queued", "running", "answered"]) {
    await keepUp({ [change]: 1 });
    vi.advanceTimersByTime(3_000);
  }
  await keepUp({ failed: 2 });
  expect(asked).toHaveLength(5);
});

test.each(["queued", "running"])(
  "it is asked for now and then while requests are %s, which may change places without changing any count",
  async (state) => {
    const { asked, keepUp } = listing();
    await keepUp({ [state]: 1 });
    vi.advanceTimersByTime(15_000);
    await keepUp({ [state]: 1 });
    expect(asked).toHaveLength(2);
  },
);

test("it is asked for by its pool and its filter, anew with another one of these", async () => {
  const { list, asked, keepUp } = listing();
  await keepUp();
  list.show("queued");
  await keepUp();
  list.show("all");
  await keepUp();
  list.choose(aDeferredPool());
  await keepUp();
  list.choose({ ...aDeferredPool({ failed: 1 }), name: "reports" });
  expect(list.entries).toBeNull();
  await keepUp();
  expect(asked).toEqual([
    ["web", "failed", 50],
    ["web", "queued", 50],
    ["web", null, 50],
    ["reports", "failed", 50],
  ]);
});

test("a pool is opened at what has failed; at what waits, if nothing has", () => {
  const filterFor = (deferred: object) => {
    const { list } = listing();
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
