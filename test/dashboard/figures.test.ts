import { expect, test } from "vitest";
import { figuresOf } from "../../src/dashboard/page/figures.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { aDeferredPool, aPool } from "./snapshots.ts";

const waits = (pool: Snapshot) => figuresOf(pool).slice(1, 3);

test("who waits, and for how long", () => {
  expect(waits(aPool())).toEqual([
    ["Waiting", "0"],
    ["Oldest wait", "none"],
  ]);
  expect(waits(aPool({ queued: 12, oldestWaitMs: 812 }))).toEqual([
    ["Waiting", "12"],
    ["Oldest wait", "812 ms"],
  ]);
});

test("stored requests are among those that wait, and how long they have waited is said beside", () => {
  const hour = 3_600_000;
  expect(waits(aDeferredPool({ queued: 10, oldestMs: 2 * hour }, { queued: 12, oldestWaitMs: 812 }))).toEqual(
    [
      ["Waiting", "12 (10 stored)"],
      ["Oldest wait", "812 ms (stored 2 h)"],
    ],
  );
  expect(waits(aDeferredPool({ queued: 10, oldestMs: hour }))).toEqual([
    ["Waiting", "10 (10 stored)"],
    ["Oldest wait", "none (stored 1 h)"],
  ]);
  expect(waits(aDeferredPool({ failed: 3 }, { queued: 1, oldestWaitMs: 5 }))).toEqual([
    ["Waiting", "1"],
    ["Oldest wait", "5 ms"],
  ]);
});
