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

describe("the flows of a pool that tells clients apart", () => {
  function sharing(keys: Record<string, unknown> = {}) {
    const scheduler = new Scheduler(settings({ flow: "address", ...keys }), null, 0);
    return {
      scheduler,
      enter: (id: string, flow: string | null, ms: number) =>
        scheduler.enter({ id, ...(flow === null ? {} : { flow }) }, ms),
      shownAt: (ms: number) => snapshotOf("web", scheduler, ms),
    };
  }

  test("are told with those that wait longest first, and then those that have slots", () => {
    const { enter, shownAt } = sharing();
    enter("a1", "a", 0);
    enter("b1", "b", 1_000);
    enter("c1", "c", 2_000);
    enter("nobody's", null, 2_500);
    enter("b2", "b", 3_000);
    enter("c2", "c", 4_000);
    enter("d1", "d", 10_000);
    const { flows, longestFlow, inFlight, queued } = shownAt(10_000);
    expect(
      flows?.map(({ key, queued, inFlight, oldestWaitMs }) => [key, queued, inFlight, oldestWaitMs]),
    ).toEqual([
      ["c", 2, 0, 8_000],
      [null, 1, 0, 7_500],
      ["b", 1, 1, 7_000],
      ["d", 1, 0, 0],
      ["a", 0, 1, 0],
    ]);
    expect(longestFlow).toBe(2);
    // Nothing is left out.
    expect([inFlight, queued]).toEqual([2, 5]);
  });

  test("have their shares of the service of late, rounded so that one that stays is the same each time", () => {
    const { scheduler, enter, shownAt } = sharing();
    enter("a1", "a", 0);
    enter("b1", "b", 0);
    scheduler.end("a1", { how: "done", status: 200 }, 1_000);
    scheduler.end("b1", { how: "done", status: 200 }, 2_000);
    enter("b2", "b", 2_000);
    enter("a2", "a", 2_000);
    const shares = (ms: number) => shownAt(ms).flows?.map(({ key, share }) => [key, share]);
    expect(shares(2_000)).toEqual([
      ["b", 0.67],
      ["a", 0.33],
    ]);
    expect(shares(2_200)).toEqual(shares(2_000));
  });

  test("are ten at most, and the longest is known though it is not among them", () => {
    const { enter, shownAt } = sharing();
    for (let n = 0; n < 30; n++) enter(`${n}`, `flow ${n}`, n);
    for (let n = 0; n < 5; n++) enter(`late ${n}`, "late", 100);
    const { flows, longestFlow } = shownAt(1_000);
    expect(flows?.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `flow ${n + 2}`));
    expect(longestFlow).toBe(5);
  });

  test("of which none waits and none is at work are told no more", () => {
    const { scheduler, enter, shownAt } = sharing();
    enter("a1", "a", 0);
    scheduler.end("a1", { how: "done", status: 200 }, 1_000);
    expect(shownAt(1_000)).toMatchObject({ flows: [], longestFlow: 0 });
  });

  test("are told in a drain too, with deferred requests among those that wait", () => {
    const { scheduler, shownAt } = sharing();
    scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 60_000 }, 0);
    scheduler.enter({ id: "later", flow: "a", expiresAt: 3_600_000 }, 1_000);
    expect(shownAt(5_000).flows).toEqual([
      { key: "a", queued: 1, inFlight: 0, oldestWaitMs: 4_000, share: 0 },
    ]);
  });

  test("count a slot in quarantine as at work", () => {
    const { scheduler, enter, shownAt } = sharing({ quarantine: { max: "60s" } });
    enter("a1", "a", 0);
    scheduler.end("a1", { how: "client" }, 1_000);
    expect(shownAt(2_000).flows).toMatchObject([{ key: "a", queued: 0, inFlight: 1 }]);
  });
});

test("a pool that does not tell clients apart has no flows", () => {
  const scheduler = new Scheduler(settings(), null, 0);
  scheduler.enter({ id: "a", flow: "a" }, 0);
  const snapshot = snapshotOf("web", scheduler, 0);
  expect(snapshot).not.toHaveProperty("flows");
  expect(snapshot).not.toHaveProperty("longestFlow");
});
