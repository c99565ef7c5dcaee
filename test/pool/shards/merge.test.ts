import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  mergedCounts,
  mergedHistory,
  mergedSnapshot,
  type OtherShard,
} from "../../../src/pool/shards/merge.ts";
import { Counters } from "../../../src/scheduler/record/counters.ts";
import { PercentileRecord, percentilesOf, type Sketch } from "../../../src/scheduler/record/percentiles.ts";
import { type QueueHistory, QueueRecord } from "../../../src/scheduler/record/queue-history.ts";
import {
  type CutSnapshot,
  type ServerSnapshot,
  type Snapshot,
  snapshotOf,
} from "../../../src/scheduler/snapshot.ts";
import { configOf, histories, play } from "../../scheduler/histories.ts";
import { World } from "../../scheduler/world.ts";
import { flowWith, leaseWith, poolWith, serverWith } from "../../support/snapshots.ts";

const at = (ms: number) => new Date(ms).toISOString();
const NO_TIMES = { waits: [], services: [] };

/** Servers `a`, `b` and `c`, owned by shards 0, 1 and 2. */
const OWNERS: Record<string, number> = { a: 0, b: 1, c: 2 };
const ownerOf = ({ name }: { name: string }) => OWNERS[name] ?? null;
const aServer = (name: string, changes: Partial<ServerSnapshot> = {}) =>
  serverWith({ name, url: `http://${name}.example`, ...changes });
const SERVERS = [aServer("a"), aServer("b"), aServer("c")];

const shard = (number: number, snapshot: Partial<Snapshot> | null, changes: Partial<OtherShard> = {}) => ({
  shard: number,
  reachable: true,
  snapshot: snapshot && poolWith({ servers: SERVERS, ...snapshot }),
  ...NO_TIMES,
  ...changes,
});

/** Merges what each shard shows, the coordinator first. */
function merged(own: Partial<Snapshot>, ...others: (Partial<Snapshot> | null)[]) {
  const rest = others.map((one, index) => shard(index + 1, one));
  return mergedSnapshot(poolWith({ servers: SERVERS, ...own }), rest, NO_TIMES, ownerOf);
}

const server = (pool: Pick<Snapshot, "servers">, name: string) => {
  const found = pool.servers.find((one) => one.name === name);
  if (!found) throw new Error(`no server ${name}`);
  return found;
};

function sketchOf(...times: number[]): Sketch {
  const record = new PercentileRecord(0);
  for (const ms of times) record.note(ms, 0);
  return record.sketch(0);
}

describe("a pool of one shard", () => {
  const sketches = fc.record({
    waits: fc.array(fc.nat(100_000)).map((times) => sketchOf(...times)),
    services: fc.array(fc.nat(100_000)).map((times) => sketchOf(...times)),
  });

  test("is shown as that shard shows it, whatever has happened to it", () => {
    fc.assert(
      fc.property(histories, sketches, ({ config, events }, times) => {
        const world = new World(configOf({ config }));
        for (const event of events) play(world, event);
        const own = {
          ...snapshotOf("web", world.scheduler, world.now),
          waitMs: percentilesOf([times.waits]),
          serviceMs: percentilesOf([times.services]),
        };
        const { shards, ...all } = mergedSnapshot(own, [], times, () => 0);
        const servers = own.servers.map((one) => ({ ...one, shard: 0 }));
        expect(all).toEqual({ ...own, servers });
        const { slots, inFlight, queued } = own;
        expect(shards).toEqual([{ shard: 0, reachable: true, slots, inFlight, queued }]);
      }),
      { numRuns: 100 },
    );
  });

  test("has the counts and the history of that shard", () => {
    fc.assert(
      fc.property(histories, ({ config, events }) => {
        const world = new World(configOf({ config }));
        const record = new QueueRecord(world.now);
        for (const event of events) {
          play(world, event);
          record.note(world.scheduler.queued, world.scheduler.oldestSince, world.now);
        }
        const { counts } = world.scheduler.counters;
        expect(mergedCounts([counts])).toEqual(counts);
        expect(mergedHistory([record.read(world.now)])).toEqual(record.read(world.now));
      }),
      { numRuns: 100 },
    );
  });
});

describe("the numbers of a pool", () => {
  test("are the sums of its shards'", () => {
    const one = {
      accepted: 5,
      completed: 4,
      refused: { stopped: 1 },
      retried: 3,
      abandoned: 2,
      free: 1,
      passedOn: 6,
    };
    const other = { ...one, refused: { stopped: 2, "queue-full": 4 } };
    const all = merged(
      { inFlight: 1, quarantined: 1, queued: 2, maxQueue: 100, totals: one },
      { inFlight: 4, queued: 3, maxQueue: 50, totals: other },
      { inFlight: 2, quarantined: 2, queued: 0, maxQueue: 50, totals: one },
    );
    expect(all).toMatchObject({ inFlight: 7, quarantined: 3, queued: 5, maxQueue: 200, slots: 3 });
    expect(all.totals).toEqual({
      accepted: 15,
      completed: 12,
      refused: { stopped: 4, "queue-full": 4 },
      retried: 9,
      abandoned: 6,
      free: 3,
      passedOn: 18,
    });
  });

  test("are those that are known, where a shard does not know its own", () => {
    const known = { arrivalsPerSecond: 0.1, grantsPerSecond: 0.2, maxQueue: 10 };
    const unknown = { arrivalsPerSecond: null, grantsPerSecond: null, maxQueue: null };
    expect(merged(known, unknown, { ...known, arrivalsPerSecond: 0.2 })).toMatchObject({
      arrivalsPerSecond: 0.3,
      grantsPerSecond: 0.4,
      maxQueue: 20,
    });
    expect(merged(unknown, unknown)).toMatchObject(unknown);
  });

  test("have the longest wait of all shards, and percentiles of all their times", () => {
    const others = [
      shard(1, { oldestWaitMs: 9_000 }, { waits: sketchOf(1, 2, 3), services: sketchOf(7) }),
      shard(2, { oldestWaitMs: 0 }, { waits: sketchOf(30) }),
    ];
    const own = { waits: sketchOf(4, 5), services: [] };
    const all = mergedSnapshot(poolWith({ oldestWaitMs: 2_000 }), others, own, ownerOf);
    expect(all.oldestWaitMs).toBe(9_000);
    expect(all.waitMs).toEqual({ p50: 3, p95: 30, p99: 30 });
    expect(all.serviceMs).toEqual({ p50: 7, p95: 7, p99: 7 });
  });

  test("of deferred requests are sums, with the oldest of all", () => {
    const deferred = { queued: 1, running: 2, answered: 3, failed: 4, oldestMs: 500 };
    expect(merged({}, { deferred }, { deferred: { ...deferred, oldestMs: 900 } }).deferred).toEqual({
      queued: 2,
      running: 4,
      answered: 6,
      failed: 8,
      oldestMs: 900,
    });
    expect(merged({}, {})).not.toHaveProperty("deferred");
  });

  test("of recent refusals are sums by the reason, from the first of them to the last", () => {
    const refusal = (deferred: boolean, count: number, since: number, until: number) => ({
      code: "queue-timeout",
      deferred,
      count,
      since: at(since),
      until: at(until),
    });
    const all = merged(
      { recentRefusals: [refusal(false, 2, 3_000, 5_000)] },
      { recentRefusals: [refusal(true, 1, 1_000, 2_000), refusal(false, 3, 2_000, 9_000)] },
      { recentRefusals: [refusal(false, 4, 4_000, 8_000)] },
    );
    expect(all.recentRefusals).toEqual([refusal(false, 9, 2_000, 9_000), refusal(true, 1, 1_000, 2_000)]);
  });

  test("have the latest call for servers that any shard has made", () => {
    const call = (ms: number) => ({ lastWake: { at: at(ms), got: `call at ${ms}` } });
    expect(merged(call(1_000), call(3_000), call(2_000)).lastWake).toEqual(call(3_000).lastWake);
    expect(merged({}, {})).not.toHaveProperty("lastWake");
  });
});

describe("a pool reaches its limits", () => {
  test("when the first of its shards does", () => {
    const own = { fullInMs: null, firstTimeoutInMs: 9_000 };
    expect(merged(own, { fullInMs: 4_000 }, { fullInMs: 7_000, firstTimeoutInMs: 8_000 })).toMatchObject({
      fullInMs: 4_000,
      firstTimeoutInMs: 8_000,
    });
    expect(merged({}, {})).toMatchObject({ fullInMs: null, firstTimeoutInMs: null });
  });

  test("in a drain, when that of the first shard comes", () => {
    const expiry = { timeLeft: { ms: 60_000, until: "drain-expiry" as const } };
    const timeout = { timeLeft: { ms: 20_000, until: "queue-timeout" as const } };
    expect(merged(expiry, timeout, expiry).timeLeft).toEqual(timeout.timeLeft);
  });

  test("while others have servers, not when a shard without any does, unless requests wait there", () => {
    const timeLeft = { ms: 600_000, until: "queue-timeout" as const };
    expect(merged({}, { timeLeft, queued: 0 }).timeLeft).toBeNull();
    expect(merged({}, { timeLeft, queued: 1 }).timeLeft).toEqual(timeLeft);
    expect(merged({ timeLeft }, { timeLeft }).timeLeft).toEqual(timeLeft);
  });
});

describe("the state of a pool, its drain and its settings", () => {
  test("are as the coordinator has them", () => {
    const drain = {
      owner: "x",
      by: "x",
      reason: null,
      since: at(0),
      expiresAt: at(9),
      cut: null,
      stop: null,
    };
    const own = { state: "draining", drain, queueTimeoutMs: 1_000, checks: false, name: "web" } as const;
    expect(
      merged(own, { state: "drained", drain: null, queueTimeoutMs: 2_000, name: "web#1" }),
    ).toMatchObject(own);
  });

  test("have the leases that all shards have cut off, once each has", () => {
    const drainWith = (cut: CutSnapshot) => ({
      drain: { owner: "x", by: "x", reason: null, since: at(0), expiresAt: at(9), cut, stop: null },
    });
    const cut = (leases: number) => drainWith({ at: at(5), done: true, leases });
    const due = drainWith({ at: at(5), done: false });
    expect(merged(cut(1), cut(2), cut(3)).drain?.cut).toEqual({ at: at(5), done: true, leases: 6 });
    expect(merged(cut(1), cut(2), due).drain?.cut).toEqual({ at: at(5), done: false });
    expect(merged(cut(1), cut(2), { drain: null }).drain?.cut).toEqual({ at: at(5), done: false });
  });

  test("are cut off where the pool is drained, though a shard that had none has not looked yet", () => {
    const drainWith = (cut: CutSnapshot) => ({
      drain: { owner: "x", by: "x", reason: null, since: at(0), expiresAt: at(9), cut, stop: null },
    });
    const due = drainWith({ at: at(5), done: false });
    const done = drainWith({ at: at(5), done: true, leases: 2 });
    const cutOf = (state: "draining" | "drained") => merged({ ...due, state }, done).drain?.cut;
    expect(cutOf("drained")).toEqual({ at: at(5), done: true, leases: 2 });
    expect(cutOf("draining")).toEqual({ at: at(5), done: false });
  });
});

describe("a server", () => {
  const busy = { inFlight: 1, leases: [leaseWith({ id: "l" })] };

  test("is shown as its owner sees it, and says who that is", () => {
    const seen: Partial<ServerSnapshot> = {
      health: "down",
      healthSince: at(5_000),
      lastCheck: { at: at(6_000), passed: false, got: "status 500" },
      ...busy,
      quarantined: 1,
    };
    const warm = { warmUntil: at(1) };
    const all = merged(
      { servers: [aServer("a", { health: "up" }), aServer("b", { health: "unchecked", ...warm })] },
      { servers: [aServer("a", { health: "down", ...warm }), aServer("b", seen)] },
    );
    expect(all.servers).toEqual([
      { ...aServer("a", { health: "up" }), shard: 0 },
      { ...aServer("b", seen), shard: 1 },
    ]);
  });

  test("is in the state, and has the slots and the weight, that the coordinator knows of", () => {
    const wanted: Partial<ServerSnapshot> = {
      state: "maint",
      stateSince: at(1_000),
      stateOwner: "deploy",
      changedBy: "me",
      slots: 4,
      weight: 3,
      configured: { slots: 2, weight: 1 },
      backup: true,
      registered: { by: "me", since: at(0), expiresAt: null },
    };
    const all = merged({ servers: [aServer("b", wanted)] }, { servers: [aServer("b", { slots: 2 })] });
    expect(all.servers).toEqual([{ ...aServer("b", wanted), shard: 1 }]);
    expect(all.slots).toBe(4);
  });

  test("has its leases cut off if the coordinator says so, and says how many were if its owner does", () => {
    const cut = { at: at(1_000), done: false };
    const done = { at: at(1_000), done: true, leases: 3 };
    const shown = (own: ServerSnapshot["cut"], owners: ServerSnapshot["cut"]) =>
      server(
        merged({ servers: [aServer("b", { cut: own })] }, { servers: [aServer("b", { cut: owners })] }),
        "b",
      ).cut;
    expect(shown(cut, undefined)).toEqual(cut);
    expect(shown(cut, done)).toEqual(done);
    expect(shown(undefined, done)).toBeUndefined();
  });

  test("has all its leases while it changes hands, whichever shards they are at", () => {
    const last = { ...busy, leases: [leaseWith({ id: "last" })], quarantined: 1 };
    const all = merged(
      { servers: [aServer("b", last), aServer("c")] },
      { servers: [aServer("b", busy), aServer("c", last)] },
    );
    expect(server(all, "b")).toMatchObject({ shard: 1, inFlight: 2, quarantined: 1 });
    expect(server(all, "b").leases.map(({ id }) => id)).toEqual(["last", "l"]);
    expect(server(all, "c")).toMatchObject({ shard: 2, inFlight: 1 });
  });

  test("that nobody owns is shown as who still has its leases sees it", () => {
    const down = aServer("x", { ...busy, health: "down" });
    const all = merged({ servers: [aServer("x")] }, { servers: [aServer("x")] }, { servers: [down] });
    expect(all.servers).toEqual([{ ...down, shard: undefined }]);
  });

  test("that has left the pool is shown as long as another shard has leases of it, without slots", () => {
    const gone = aServer("gone", { slots: 0, ...busy });
    // This shard has not heard yet that the server has left.
    const late = aServer("gone", { slots: 2, ...busy });
    const idle = aServer("idle", { slots: 0 });
    const all = merged({}, { servers: [...SERVERS, late, idle] }, { servers: [...SERVERS, gone, idle] });
    expect(all.servers.map(({ name }) => name)).toEqual(["a", "b", "c", "gone"]);
    expect(server(all, "gone")).toMatchObject({ slots: 0, inFlight: 2 });
    expect(all.slots).toBe(3);
  });
});

describe("a shard", () => {
  test("has the slots of the servers that it owns, and its own requests", () => {
    const servers = [aServer("a", { slots: 2 }), aServer("b", { slots: 3 }), aServer("x", { slots: 5 })];
    const all = merged({ servers, inFlight: 1, queued: 2 }, { servers, inFlight: 3, queued: 4 }, { servers });
    expect(all.shards).toEqual([
      { shard: 0, reachable: true, slots: 2, inFlight: 1, queued: 2 },
      { shard: 1, reachable: true, slots: 3, inFlight: 3, queued: 4 },
      { shard: 2, reachable: true, slots: 0, inFlight: 0, queued: 0 },
    ]);
  });

  test("that does not answer is in the numbers as it was last heard of", () => {
    const away = { reachable: false, waits: sketchOf(8) };
    const last = { queued: 3, servers: [aServer("a"), aServer("b", { health: "down" })] };
    const own = poolWith({ servers: SERVERS, queued: 1 });
    const all = mergedSnapshot(own, [shard(1, last, away)], NO_TIMES, ownerOf);
    expect(all.shards?.[1]).toEqual({ shard: 1, reachable: false, slots: 1, inFlight: 0, queued: 3 });
    expect(all).toMatchObject({ queued: 4, waitMs: { p50: 8 } });
    expect(server(all, "b").health).toBe("down");
  });

  test("that was never heard of adds nothing but its servers' slots", () => {
    const own = poolWith({ servers: SERVERS, queued: 1 });
    const all = mergedSnapshot(own, [shard(1, null, { reachable: false })], NO_TIMES, ownerOf);
    expect(all.shards?.[1]).toEqual({ shard: 1, reachable: false, slots: 1, inFlight: 0, queued: 0 });
    expect(all).toMatchObject({ queued: 1, slots: 3 });
    expect(server(all, "b")).toEqual({ ...aServer("b"), shard: 1 });
  });
});

describe("the flows of a pool", () => {
  test("are added up by their keys, in the order of a snapshot", () => {
    const x = flowWith({ key: "x", queued: 1, inFlight: 1, oldestWaitMs: 2_000 });
    const y = flowWith({ key: "y", queued: 2, inFlight: 0, oldestWaitMs: 3_000 });
    const all = merged(
      { flows: [x, flowWith({ key: null, queued: 0, oldestWaitMs: 0 })], longestFlow: 1 },
      { flows: [y, { ...x, queued: 4, inFlight: 2, oldestWaitMs: 5_000 }], longestFlow: 4 },
      {},
    );
    expect(all.flows?.map(({ key }) => key)).toEqual(["x", "y", null]);
    expect(all.flows?.[0]).toMatchObject({ queued: 5, inFlight: 3, oldestWaitMs: 5_000 });
    expect(all.longestFlow).toBe(5);
  });

  test("have the shares that they have at busy shards, more than those at idle ones", () => {
    const at = (inFlight: number, share: number) => ({ inFlight, flows: [flowWith({ key: "x", share })] });
    expect(merged(at(2, 1), at(0, 0.2)).flows?.[0]?.share).toBe(0.8);
    expect(merged(at(1, 0.5), { inFlight: 1, flows: [] }).flows?.[0]?.share).toBe(0.25);
  });

  test("are ten, and the longest may be one that no shard shows", () => {
    const ten = (name: string) =>
      Array.from({ length: 10 }, (_, n) => flowWith({ key: `${name}${n}`, oldestWaitMs: n * 1_000 }));
    const all = merged({ flows: ten("x"), longestFlow: 7 }, { flows: ten("y"), longestFlow: 1 });
    expect(all.flows?.map(({ key }) => key)).toEqual([
      "x9",
      "y9",
      "x8",
      "y8",
      "x7",
      "y7",
      "x6",
      "y6",
      "x5",
      "y5",
    ]);
    expect(all.longestFlow).toBe(7);
  });

  test("are not shown of a pool without `flow`", () => {
    expect(merged({}, {})).not.toHaveProperty("flows");
    expect(merged({}, {})).not.toHaveProperty("longestFlow");
  });
});

describe("the counts of a pool", () => {
  const counted = (server: string, waitMs: number) => {
    const counters = new Counters();
    counters.accepted();
    counters.granted(waitMs);
    counters.completed(server, 100, 200);
    counters.retried(server);
    counters.refused("queue-full");
    counters.drainBegun();
    counters.abandoned();
    counters.tell();
    return counters.counts;
  };

  test("are the sums of its shards', buckets and servers one by one, but for drains, which each shard has", () => {
    const all = mergedCounts([counted("a", 1), counted("b", 40), counted("b", 40)]);
    expect(all).toMatchObject({
      accepted: 3,
      completed: 3,
      refused: { "queue-full": 3 },
      answered: { "2xx": 3 },
      abandoned: 3,
      abandonedTold: 3,
      drains: 1,
      waits: { sumMs: 81 },
      servers: [
        { name: "a", retried: 1, service: { sumMs: 100 } },
        { name: "b", retried: 2, service: { sumMs: 200 } },
      ],
    });
    expect(all.waits.counts.filter((count) => count > 0)).toEqual([1, 2]);
    expect(all.servers[1]?.service.counts.filter((count) => count > 0)).toEqual([2]);
  });
});

describe("the history of a pool", () => {
  const history = (from: number, queued: number[], oldestWaitMs = queued): QueueHistory => ({
    from: at(from * 5_000),
    stepMs: 5_000,
    queued,
    oldestWaitMs,
  });

  test("has the sum of those who waited in each step, and the longest wait", () => {
    const all = mergedHistory([history(7, [1, 2], [10, 50]), history(7, [3, 0], [40, 0])]);
    expect(all).toEqual(history(7, [4, 2], [40, 50]));
  });

  test("begins with the first shard's and ends with the last one's; steps that a shard lacks count as nothing", () => {
    const all = mergedHistory([history(7, [1, 2]), history(5, [5, 6, 7]), history(8, [9, 10])]);
    expect(all).toEqual(history(5, [5, 6, 8, 11, 10], [5, 6, 7, 9, 10]));
  });

  test("is of ten minutes at most, though a shard was last heard of before", () => {
    const all = mergedHistory([history(130, [1, 2]), history(2, new Array(120).fill(3))]);
    expect(all.from).toBe(at(12 * 5_000));
    expect(all.queued).toHaveLength(120);
    expect(all.queued.slice(-11)).toEqual([3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
  });
});
