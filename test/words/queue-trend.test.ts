import { describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { type QueuePoint, queueTrend } from "../../src/words/queue-trend.ts";
import { poolWith, serverWith } from "../support/snapshots.ts";

const NOW = Date.parse("2026-11-21T09:00:00.000Z");

/** A point every 5 s of the last `seconds`, the latest included. `wait` and `queued` are by the age of the point in s. */
function points(
  seconds: number,
  queued: (age: number) => number,
  wait: (age: number) => number,
): QueuePoint[] {
  const ages = Array.from({ length: seconds / 5 + 1 }, (_, n) => seconds - n * 5);
  return ages.map((age) => ({ at: NOW - age * 1_000, queued: queued(age), oldestMs: wait(age) * 1_000 }));
}

const TWELVE = () => 12;
const FORTY = () => 40;
const NO_DEFERRED = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0 };

const pool = (changes: Partial<Snapshot> = {}) => poolWith({ queued: 12, oldestWaitMs: 40_000, ...changes });

describe("a waiting list grows", () => {
  const trend = (now: number, ...before: [age: number, queued: number][]) => {
    const known = before.map(([age, queued]) => ({ at: NOW - age * 1_000, queued, oldestMs: 0 }));
    return queueTrend(poolWith({ queued: now }), known, NOW);
  };

  test("if there are more than within the last minute, and not fewer than a moment ago", () => {
    expect(trend(60, [70, 90], [50, 12], [10, 40])).toEqual({
      kind: "grows",
      before: 12,
      queued: 60,
      ms: 50_000,
    });
  });

  test.each<[string, number, [number, number][]]>([
    ["stays", 60, [[50, 60]]],
    ["grows by next to nothing", 64, [[50, 60]]],
    [
      "grew but falls again",
      60,
      [
        [50, 12],
        [9, 90],
      ],
    ],
    ["has only just been seen", 60, [[5, 0]]],
    ["is not known from before", 60, []],
  ])("but not if it %s", (_, now, before) => {
    expect(trend(now, ...before)).toBeNull();
  });
});

describe("waits are long", () => {
  const steady = points(60, TWELVE, FORTY);

  test("if for a minute as many have come as have gone, and each had to wait for many others", () => {
    expect(queueTrend(pool(), steady, NOW)).toEqual({ kind: "long", waitMs: 40_000, ms: 60_000 });
  });

  test("since as long as is known", () => {
    const queued = (age: number) => 12 + (age % 3);
    const uneven = points(600, queued, (age) => 30 + (age % 20));
    expect(queueTrend(pool(), uneven, NOW)).toMatchObject({ kind: "long", ms: 600_000 });
  });

  test("however few wait, if it is for more than a minute", () => {
    const one = () => 1;
    const few = points(180, one, () => 70);
    expect(queueTrend(pool({ queued: 1, oldestWaitMs: 70_000 }), few, NOW)).toMatchObject({ kind: "long" });
    const short = points(180, one, FORTY);
    expect(queueTrend(pool({ queued: 1 }), short, NOW)).toBeNull();
  });

  test("also where requests take their servers for minutes, so that the oldest wait rises and falls", () => {
    const three = () => 3;
    const saw = points(600, three, (age) => 180 - (age % 120));
    expect(queueTrend(pool({ queued: 3, oldestWaitMs: 180_000 }), saw, NOW)).toMatchObject({ kind: "long" });
  });

  test.each<[string, Partial<Snapshot>, QueuePoint[]]>([
    ["was seen for less than a minute", {}, steady.slice(3)],
    ["was short within the minute", {}, points(60, TWELVE, (age) => (age === 30 ? 2 : 40))],
    ["falls", {}, points(60, (age) => 12 + age, FORTY)],
    ["does not move at all", { oldestWaitMs: 100_000 }, points(60, TWELVE, (age) => 100 - age)],
    ["is short by now", { oldestWaitMs: 2_000 }, steady],
    ["has many slots to go to", { servers: [serverWith({ slots: 10 })] }, steady],
    ["is almost all stored", { deferred: { ...NO_DEFERRED, queued: 10 } }, steady],
  ])("but not if the list %s", (_, changes, known) => {
    expect(queueTrend(pool(changes), known, NOW)).toBeNull();
  });
});
