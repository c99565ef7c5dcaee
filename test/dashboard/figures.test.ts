import { expect, test } from "vitest";
import { allFiguresOf, figuresOf } from "../../src/dashboard/page/figures.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { aDeferredPool, aPool } from "./snapshots.ts";

const waits = (pool: Snapshot) => figuresOf(pool).slice(1, 3);

test("who waits, and for how long", () => {
  expect(waits(aPool())).toEqual([
    ["Waiting", "0 of 1,000"],
    ["Oldest wait", "none"],
  ]);
  expect(waits(aPool({ queued: 12, oldestWaitMs: 812 }))).toEqual([
    ["Waiting", "12 of 1,000"],
    ["Oldest wait", "812 ms"],
  ]);
});

test("how much comes and goes, and how long it takes", () => {
  const figures = (pool: Snapshot) => new Map(allFiguresOf(pool));
  const idle = figures(aPool({ arrivalsPerSecond: null, grantsPerSecond: null }));
  const dashes = "–, –, –";
  expect([idle.get("Arrivals"), idle.get("Grants")]).toEqual(["–", "–"]);
  expect(idle.get("Waited (p50, p95, p99)")).toBe(dashes);
  const busy = figures(
    aPool({
      arrivalsPerSecond: 12.4,
      grantsPerSecond: 9.12,
      waitMs: { p50: 12, p95: 340, p99: 1_200 },
      serviceMs: { p50: 200, p95: 404, p99: 65_000 },
    }),
  );
  expect([busy.get("Arrivals"), busy.get("Grants")]).toEqual(["12/s", "9.1/s"]);
  expect(busy.get("Waited (p50, p95, p99)")).toBe("12 ms, 340 ms, 1.2 s");
  expect(busy.get("At servers (p50, p95, p99)")).toBe("200 ms, 404 ms, 65 s");
});

test("stored requests wait besides those that have a limit, and how long they have waited is said beside", () => {
  const hour = 3_600_000;
  expect(waits(aDeferredPool({ queued: 10, oldestMs: 2 * hour }, { queued: 12, oldestWaitMs: 812 }))).toEqual(
    [
      ["Waiting", "2 of 1,000 (and 10 stored)"],
      ["Oldest wait", "812 ms (stored 2 h)"],
    ],
  );
  expect(waits(aDeferredPool({ queued: 10, oldestMs: hour }))).toEqual([
    ["Waiting", "0 of 1,000 (and 10 stored)"],
    ["Oldest wait", "none (stored 1 h)"],
  ]);
  expect(waits(aDeferredPool({ failed: 3 }, { queued: 1, oldestWaitMs: 5 }))).toEqual([
    ["Waiting", "1 of 1,000"],
    ["Oldest wait", "5 ms"],
  ]);
});
