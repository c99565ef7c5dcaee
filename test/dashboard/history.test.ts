import { describe, expect, test } from "vitest";
import { History } from "../../src/dashboard/page/history.ts";
import { ago, aPool, NOW } from "./snapshots.ts";

describe("history", () => {
  test("keeps ten minutes", () => {
    const history = new History();
    for (let second = 0; second <= 700; second++)
      history.addSnapshot(aPool({ queued: second }), NOW + second * 1_000);
    expect([history.queued[0], history.queued.at(-1), history.times.length]).toEqual([100, 700, 601]);
  });

  test("makes nothing up of those who wait while nothing is heard", () => {
    const history = new History();
    history.addSnapshot(aPool({ queued: 2, oldestWaitMs: 1_000 }), NOW);
    history.continueEmpty(NOW + 3_000);
    expect([history.queued, history.oldest]).toEqual([[2], [1]]);
  });

  test("begins with what the pool has kept, which fills the page's own gaps", () => {
    const history = new History();
    for (const second of [-60, -14]) history.addSnapshot(aPool({ queued: 1 }), NOW + second * 1_000);
    history.addGap(NOW - 13_000);
    const kept = { from: ago(15), stepMs: 5_000, queued: [3, 9, 4, 2], oldestWaitMs: [500, 700, 0, 100] };
    history.addRecord(kept, NOW + 2_000);
    // So close to the record's last point that two of the page's own points would become one.
    history.addSnapshot(aPool({ queued: 1 }), NOW + 2_010);
    expect(history.times.map((time) => Math.round(time - NOW / 1_000))).toEqual([-60, -10, -5, 0, 2, 2]);
    expect([history.queued, history.oldest]).toEqual([
      [1, 3, 9, 4, 2, 1],
      [0, 0.5, 0.7, 0, 0.1, 0],
    ]);
  });

  test("knows what there was since a time, and since the last gap", () => {
    const history = new History();
    for (const second of [1, 2, 3])
      history.addSnapshot(aPool({ queued: second, oldestWaitMs: 500 }), NOW + second * 1_000);
    expect(history.pointsSince(NOW + 1_000)).toEqual([
      { at: NOW + 2_000, queued: 2, oldestMs: 500 },
      { at: NOW + 3_000, queued: 3, oldestMs: 500 },
    ]);
    history.addGap(NOW + 4_000);
    expect(history.pointsSince(0)).toEqual([]);
    history.addSnapshot(aPool({ queued: 5 }), NOW + 5_000);
    expect(history.pointsSince(0)).toEqual([{ at: NOW + 5_000, queued: 5, oldestMs: 0 }]);
  });

  test("has a gap, once, where the connection was lost", () => {
    const history = new History();
    history.addSnapshot(aPool({ queued: 2 }), NOW);
    for (const second of [1, 2, 3]) history.addGap(NOW + second * 1_000);
    history.addSnapshot(aPool({ queued: 5 }), NOW + 4_000);
    expect(history.queued).toEqual([2, null, 5]);
  });
});
