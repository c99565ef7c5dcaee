import { describe, expect, test } from "vitest";
import { adviceFor } from "../../src/dashboard/page/advice.ts";
import { History } from "../../src/dashboard/page/history.ts";
import type { PoolEvent } from "../../src/scheduler/record/events.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { clockInWords } from "../../src/words/times.ts";
import {
  aDeferredPool,
  ago,
  aLease,
  aPool,
  aQuarantinedLease,
  aServer,
  drainedBy,
  NOW,
} from "./snapshots.ts";

const adviceOn = (pool: Snapshot, events: PoolEvent[] = [], history?: History) =>
  adviceFor(pool, NOW, history, events).map(({ weight, text }) => `${weight}: ${text}`);

/** Lengths of the waiting list, by their age in seconds. */
function historyOf(waiting: Record<number, number>): History {
  const history = new History();
  const points = Object.entries(waiting).sort(([a], [b]) => Number(b) - Number(a));
  for (const [seconds, queued] of points)
    history.addSnapshot(aPool({ queued }), NOW - Number(seconds) * 1_000);
  return history;
}

test("a pool that is well needs nothing", () => {
  expect(adviceOn(aPool())).toEqual([]);
});

describe("servers", () => {
  const down = (name: string, seconds: number) =>
    aServer({ name, health: "down", healthSince: ago(seconds) });

  test("one down beside others is named, and since when", () => {
    expect(adviceOn(aPool({ servers: [down("web-1", 190), aServer({ name: "web-2" })] }))).toEqual([
      "bad: web-1 is down, for 3 min 10 s. The others serve on; look whether it runs and answers its health check.",
    ]);
  });

  test("all down is said as what it is", () => {
    const [text] = adviceOn(aPool({ servers: [down("web-1", 5), down("web-2", 65)] }));
    expect(text).toMatch(
      /^bad: No server takes requests: web-1 and web-2 are down, the first for 1 min 5 s\. Start/,
    );
  });

  test("all out of use by hand is not taken for a failure", () => {
    const servers = [aServer({ state: "maint", health: "down" }), aServer({ name: "web-2", state: "drain" })];
    expect(adviceOn(aPool({ servers }))).toEqual([
      "bad: No server takes requests: all are set to drain or maintenance. Set one to ready.",
    ]);
  });
});

describe("drains", () => {
  test("what is still in flight is waited for, and the longest is named", () => {
    const servers = [
      aServer({ leases: [aLease("a", 4)] }),
      aServer({ name: "web-2", leases: [aLease("b", 30)] }),
    ];
    const pool = aPool({ ...drainedBy("admin"), state: "draining", inFlight: 2, servers });
    expect(adviceOn(pool)).toEqual([
      "plain: Wait before you deploy: 2 slots still in flight. The longest is on web-2, for 30 s.",
    ]);
  });

  test("once drained, it is time for the deploy", () => {
    expect(adviceOn(aPool({ ...drainedBy("admin"), queued: 7 }))).toEqual([
      "plain: Nothing is in flight: now is the time for the deploy. Resume afterwards; 7 requests will go on then.",
    ]);
  });

  test("one that ends soon says so first", () => {
    const [first] = adviceOn(aPool(drainedBy("admin", 100)));
    expect(first).toMatch(/^warn: The drain ends by itself in 1 min 40 s/);
  });
});

describe("the waiting list", () => {
  test("that grows is told with its numbers", () => {
    const advice = adviceOn(aPool({ queued: 60 }), [], historyOf({ 50: 12, 10: 40 }));
    expect(advice).toEqual([expect.stringMatching(/^warn: The waiting list grows: 12 → 60 within 50 s\./)]);
  });

  test.each([
    ["is long but does not grow", 60, { 50: 60 }],
    ["grows by next to nothing", 64, { 50: 60 }],
    ["grew but falls again", 60, { 50: 12, 9: 90 }],
    ["has only just been seen", 60, { 5: 0 }],
    ["is not known from before", 60, {}],
  ])("that %s is no news", (_, queued, waiting) => {
    expect(adviceOn(aPool({ queued }), [], historyOf(waiting))).toEqual([]);
  });

  test("that piled up in a drain is no news once the pool is resumed", () => {
    const resumed: PoolEvent = {
      id: 1,
      at: ago(25),
      kind: "resume",
      owner: "admin",
      by: "admin",
      cause: "resumed",
    };
    expect(adviceOn(aPool({ queued: 60 }), [resumed], historyOf({ 50: 0, 24: 90 }))).toEqual([]);
    expect(adviceOn(aPool({ queued: 120 }), [resumed], historyOf({ 50: 0, 24: 90 }))).toHaveLength(1);
  });

  test("that piled up in a drain is none in the overview either, which has no events", () => {
    const history = historyOf({ 50: 0 });
    history.addSnapshot(aPool({ ...drainedBy("admin"), queued: 90 }), NOW - 12_000);
    history.addSnapshot(aPool({ queued: 60 }), NOW - 9_000);
    expect(adviceFor(aPool({ queued: 60 }), NOW, history)).toEqual([]);
  });

  test("of a drained pool is meant to grow", () => {
    const pool = aPool({ ...drainedBy("admin"), queued: 60 });
    expect(adviceOn(pool, [], historyOf({ 50: 0 })).join()).not.toContain("grows");
  });
});

test("quarantined slots open by themselves, and it is said when the first does", () => {
  const servers = [
    aServer({ leases: [aLease("a"), aQuarantinedLease("b", 10, 90)] }),
    aServer({ name: "web-2", leases: [aQuarantinedLease("c", 10, 30)] }),
  ];
  const [advice] = adviceOn(aPool({ quarantined: 2, servers }));
  expect(advice).toMatch(/^warn: 2 slots in quarantine/);
  expect(advice).toContain(`The first opens by itself at ${clockInWords(ago(-30), NOW)} at the latest`);
});

describe("refusals", () => {
  const refused = (code: "queue-full" | "bad-gateway", seconds: number, count: number) =>
    ({
      id: seconds,
      at: ago(seconds + 5),
      until: ago(seconds),
      kind: "refusal",
      code,
      count,
    }) satisfies PoolEvent;

  test("of the last minute are counted by their code", () => {
    const events = [
      refused("queue-full", 10, 3),
      refused("queue-full", 30, 4),
      refused("bad-gateway", 90, 1),
    ];
    expect(adviceOn(aPool(), events)).toEqual([
      "bad: 7 requests refused lately (queue-full): the waiting list is full. Add servers or slots, or raise max_queue.",
    ]);
  });

  test("are seen by what was counted where there are no events, as in the overview", () => {
    const history = new History();
    const pool = (refused: Record<string, number>) => aPool({ totals: { ...aPool().totals, refused } });
    history.addSnapshot(pool({ "queue-full": 5 }), NOW - 3_000);
    history.addSnapshot(pool({ "queue-full": 12 }), NOW);
    expect(adviceFor(aPool(), NOW, history).map(({ text }) => text)).toEqual([
      "7 requests refused lately (queue-full): the waiting list is full. Add servers or slots, or raise max_queue.",
    ]);
  });

  test("of requests that would have been stored have a cure of their own, and another one in a drain", () => {
    const full: PoolEvent = { id: 1, at: ago(5), kind: "refusal", code: "deferred-full" };
    expect(adviceOn(aPool(), [full])).toEqual([
      "bad: 1 request refused lately (deferred-full): as many requests are stored as max of deferred allows. Add servers or slots, or raise it.",
    ]);
    expect(adviceOn(aPool(drainedBy("admin")), [full])[0]).toMatch(/drained\. Resume as soon as you can\.$/);
  });

  test("of a full waiting list have another cure while the pool is drained", () => {
    const [first] = adviceOn(aPool(drainedBy("admin")), [refused("queue-full", 10, 1)]);
    expect(first).toBe(
      "bad: 1 request refused lately (queue-full): the waiting list is full while the pool is drained. Resume as soon as you can.",
    );
  });
});

describe("deferred requests", () => {
  const failed = (code: string, seconds: number, count = 1): PoolEvent => ({
    id: seconds,
    at: ago(seconds),
    kind: "deferred-failed",
    code,
    count,
  });

  test("that fail are counted by their code, with what helps", () => {
    const events = [failed("bad-gateway", 10, 3), failed("bad-gateway", 40), failed("fate-unknown", 90)];
    expect(adviceOn(aDeferredPool({ failed: 5 }), events)).toEqual([
      "bad: 4 deferred requests failed lately (bad-gateway): servers cannot be reached or break off. Look at the servers and their logs. Then retry those that should be done.",
    ]);
    expect(adviceOn(aPool(), [failed("misconfigured", 1)])).toEqual([
      "bad: 1 deferred request failed lately (misconfigured). Then retry those that should be done.",
    ]);
  });

  test("that fail are seen by what is kept where there are no events, as in the overview", () => {
    const history = new History();
    history.addSnapshot(aDeferredPool({ failed: 5 }), NOW - 30_000);
    history.addSnapshot(aDeferredPool({ failed: 7 }), NOW);
    expect(adviceFor(aDeferredPool({ failed: 7 }), NOW, history).map(({ text }) => text)).toEqual([
      "2 deferred requests failed lately. Look at the events of the pool.",
    ]);
  });

  test("that failed long ago, or are forgotten, are no news", () => {
    const history = new History();
    history.addSnapshot(aDeferredPool({ failed: 5 }), NOW - 90_000);
    history.addSnapshot(aDeferredPool({ failed: 9 }), NOW - 30_000);
    history.addSnapshot(aDeferredPool({ failed: 8 }), NOW);
    expect(adviceFor(aDeferredPool({ failed: 8 }), NOW, history)).toEqual([]);
  });

  test.each([
    [1, ", stored, will go on then."],
    [5, ", 5 of them stored, will go on then."],
    [7, ", all of them stored, will go on then."],
  ])("of those that go on after a drain, %d are said to be stored", (stored, words) => {
    const pool = aDeferredPool({ queued: stored }, { ...drainedBy("admin"), queued: stored === 1 ? 1 : 7 });
    expect(adviceOn(pool)[0]).toContain(words);
  });
});
