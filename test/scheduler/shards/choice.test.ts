import { describe, expect, test } from "vitest";
import { ShardChoice } from "../../../src/scheduler/shards/choice.ts";

const FRESH_MS = 2_000;

/** These numbers, one after the other, again and again. */
function cycle(...numbers: number[]): () => number {
  let next = 0;
  return () => numbers[next++ % numbers.length] as number;
}

/** Picks the first and the last of all. */
const firstAndLast = () => cycle(0, 0.999);

describe("of two shards that chance has picked, a request asks", () => {
  test("the one with fewer requests waiting", () => {
    const choice = new ShardChoice(firstAndLast());
    choice.heard(0, { slots: 4, queued: 3, free: 0 }, 0);
    choice.heard(3, { slots: 4, queued: 1, free: 0 }, 0);
    // Each that is sent there counts, until more is heard.
    expect([1, 2, 3, 4].map(() => choice.pick(4, 0))).toEqual([3, 3, 0, 3]);
  });

  test("the one with a free slot, and with more of them", () => {
    const choice = new ShardChoice(firstAndLast());
    choice.heard(0, { slots: 4, queued: 0, free: 1 }, 0);
    choice.heard(3, { slots: 4, queued: 0, free: 3 }, 0);
    expect([1, 2, 3].map(() => choice.pick(4, 0))).toEqual([3, 3, 0]);
  });

  test("one that has slots at all, and more of them for as many who wait", () => {
    const choice = new ShardChoice(firstAndLast());
    choice.heard(0, { slots: 0, queued: 0, free: 0 }, 0);
    choice.heard(3, { slots: 4, queued: 9, free: 0 }, 0);
    expect(choice.pick(4, 0)).toBe(3);
    choice.heard(0, { slots: 40, queued: 20, free: 0 }, 0);
    expect(choice.pick(4, 0)).toBe(0);
  });

  test("one that is not known of as if it were like the others", () => {
    const choice = new ShardChoice(firstAndLast());
    choice.heard(1, { slots: 4, queued: 2, free: 0 }, 0);
    choice.heard(0, { slots: 4, queued: 8, free: 0 }, 0);
    expect(choice.pick(4, 0)).toBe(3);
    choice.heard(0, { slots: 4, queued: 1, free: 0 }, 0);
    expect(choice.pick(4, 0)).toBe(0);
    // What was heard of all is of no use any more.
    expect(choice.pick(4, FRESH_MS + 1)).toBe(0);
  });

  test("one that has no slots, or does not answer, for a while least of all", () => {
    const choice = new ShardChoice(firstAndLast());
    choice.heard(0, { slots: 0, queued: 0, free: 0 }, 0);
    expect(choice.pick(4, FRESH_MS)).toBe(3);
    // It may have some by now.
    expect(choice.pick(4, FRESH_MS + 1)).toBe(0);
  });
});

test("every shard is asked, the only one too, and not the one that is to be left out", () => {
  const choice = new ShardChoice();
  const picks = (count: number, but?: number) =>
    new Set(Array.from({ length: 2_000 }, () => choice.pick(count, 0, but)));
  expect(picks(1)).toEqual(new Set([0]));
  expect(picks(5)).toEqual(new Set([0, 1, 2, 3, 4]));
  expect(picks(5, 2)).toEqual(new Set([0, 1, 3, 4]));
  expect(picks(2, 1)).toEqual(new Set([0]));
  expect(picks(1, 0)).toEqual(new Set([0]));
});
