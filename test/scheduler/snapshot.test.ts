import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { settings } from "./settings.ts";

const at = (ms: number) => new Date(ms).toISOString();

test("a slot in quarantine says since when, which is not when its request began, and when it opens at the latest", () => {
  const scheduler = new Scheduler(settings({ quarantine: { max: "60s" } }), null, 0);
  scheduler.enter({ id: "long" }, 1_000);
  scheduler.enter({ id: "well" }, 2_000);
  scheduler.end("long", { how: "client" }, 31_000);
  const leases = snapshotOf("web", scheduler, 40_000).servers.flatMap((server) => server.leases);
  expect(leases).toEqual([
    { id: "long", since: at(1_000), quarantined: true, quarantinedSince: at(31_000), until: at(91_000) },
    { id: "well", since: at(2_000), quarantined: false },
  ]);
});

describe("what a pool has refused in the last minute", () => {
  const queueFull = { code: "queue-full", deferred: false };

  function refusing() {
    const scheduler = new Scheduler(settings({ max_queue: 1 }), null, 0);
    for (const id of ["a", "b", "waits"]) scheduler.enter({ id }, 0);
    return {
      scheduler,
      refuse: (ms: number) => scheduler.enter({ id: `refused at ${ms}` }, ms),
      refusalsAt: (ms: number) => snapshotOf("web", scheduler, ms).recentRefusals,
    };
  }

  test("is told by the reason, and apart for deferred requests", () => {
    const { scheduler, refuse, refusalsAt } = refusing();
    expect(refusalsAt(0)).toEqual([]);
    for (const ms of [1_000, 2_000, 30_000]) refuse(ms);
    scheduler.deferredFailed("queue-full", 31_000);
    scheduler.deferredFailed("bad-gateway", 32_000);
    expect(refusalsAt(40_000)).toEqual([
      { ...queueFull, count: 3, since: at(1_000), until: at(30_000) },
      { code: "queue-full", deferred: true, count: 1, since: at(31_000), until: at(31_000) },
      { code: "bad-gateway", deferred: true, count: 1, since: at(32_000), until: at(32_000) },
    ]);
  });

  test("is forgotten after a minute without another", () => {
    const { refuse, refusalsAt } = refusing();
    for (const ms of [1_000, 20_000]) refuse(ms);
    expect(refusalsAt(61_000).map(({ count }) => count)).toEqual([2]);
    expect(refusalsAt(61_001).map(({ count }) => count)).toEqual([1]);
    expect(refusalsAt(80_001)).toEqual([]);
  });

  test("is told as one, however long ago it began, while each follows the last within ten seconds", () => {
    const { refuse, refusalsAt } = refusing();
    for (let ms = 0; ms <= 300_000; ms += 5_000) refuse(ms);
    expect(refusalsAt(300_500)).toEqual([{ ...queueFull, count: 61, since: at(0), until: at(300_000) }]);
  });
});
