import { describe, expect, test } from "vitest";
import type { RecentRefusal } from "../../src/scheduler/record/recent-refusals.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { conditionOf } from "../../src/words/condition.ts";
import type { QueueTrend } from "../../src/words/queue-trend.ts";
import { poolWith, serverWith, shardWith } from "../support/snapshots.ts";

const AT = "2026-11-21T09:00:00.000Z";

const glance = (changes: Partial<Snapshot>, trend: QueueTrend["kind"] | null = null) => {
  const pool = poolWith(changes);
  const { gravity, words } = conditionOf(pool, pool.recentRefusals, trend);
  return `${gravity}: ${words}`;
};

const drain = { owner: "me", by: "me", reason: null, since: AT, expiresAt: AT, cut: null, stop: null };
const drained: Partial<Snapshot> = { state: "drained", drain };

function refused(code: string, deferred = false): RecentRefusal {
  return { code, deferred, count: 1, since: AT, until: AT };
}

const up = (name: string) => serverWith({ name });
const down = (name: string) => serverWith({ name, health: "down" });
const out = (name: string) => serverWith({ name, state: "maint", health: "down" });

describe("a pool", () => {
  test("that is well runs", () => {
    expect(glance({})).toBe("good: Running");
  });

  test.each([
    ["down", [down("a"), down("b")]],
    ["taken out by operators", [serverWith({ state: "drain" }), out("b")]],
    ["partly down, partly taken out", [down("a"), out("b")]],
    ["leaving the configuration", [serverWith({ slots: 0 })]],
  ])("whose servers are all %s has none", (_, servers) => {
    expect(glance({ servers })).toBe("bad: No server");
  });

  test("whose servers come and go may have none while nobody waits", () => {
    expect(glance({ servers: [], queued: 0 })).toBe("warn: No server");
    expect(glance({ servers: [], queued: 1 })).toBe("bad: No server");
  });

  test("of which some servers are down says how many are left", () => {
    expect(glance({ servers: [up("a"), down("b"), up("c")] })).toBe("warn: 2 of 3 servers");
    expect(glance({ servers: [up("a"), down("b"), out("c"), up("d")] })).toBe("warn: 2 of 4 servers");
  });

  test("of which operators have taken servers out runs: a roll does that", () => {
    const rolled = serverWith({ name: "c", state: "drain", health: "down" });
    expect(glance({ servers: [up("a"), out("b"), rolled] })).toBe("good: Running");
  });

  test.each(["queue-full", "queue-timeout", "no-server", "deferred-full"])(
    "that answers %s refuses",
    (code) => {
      expect(glance({ recentRefusals: [refused(code)] })).toBe("bad: Refusing");
    },
  );

  test("whose servers fail, or whose deferred requests do, is failing", () => {
    for (const refusal of [refused("bad-gateway"), refused("server-timeout"), refused("fate-unknown", true)])
      expect(glance({ recentRefusals: [refusal] })).toBe("bad: Failing");
  });

  test("is not blamed for what its clients do", () => {
    for (const code of ["client-timeout", "flow-queue-full"])
      expect(glance({ recentRefusals: [refused(code)] })).toBe("good: Running");
  });

  test("whose slots are all in quarantine is, and one that has another is not", () => {
    const shut = serverWith({ name: "b", quarantined: 1, inFlight: 1 });
    expect(glance({ servers: [shut, out("c")] })).toBe("warn: Quarantined");
    expect(glance({ servers: [shut, up("a")] })).toBe("good: Running");
  });

  test("whose waiting list is in trouble says that", () => {
    expect(glance({}, "grows")).toBe("warn: Queue grows");
    expect(glance({}, "long")).toBe("warn: Long waits");
  });

  test("of which shards are not reached says so before all else", () => {
    const shards = [shardWith(), shardWith({ shard: 1 }), shardWith({ shard: 2, reachable: false })];
    const recentRefusals = [refused("queue-full")];
    expect(glance({ shards, servers: [down("a")], recentRefusals })).toBe("bad: 1 of 3 shards not reached");
    expect(glance({ shards: shards.slice(0, 2) })).toBe("good: Running");
  });

  test("says the gravest of several troubles", () => {
    const servers = [up("a"), down("b")];
    expect(glance({ servers, recentRefusals: [refused("queue-full")] }, "grows")).toBe("bad: Refusing");
    expect(glance({ servers }, "grows")).toBe("warn: 1 of 2 servers");
    expect(glance({ servers: [down("b")], recentRefusals: [refused("no-server")] })).toBe("bad: No server");
  });
});

describe("a drained pool", () => {
  test("is something to know", () => {
    expect(glance(drained)).toBe("warn: Drained");
    expect(glance({ state: "draining", drain })).toBe("warn: Draining");
  });

  test("that is in trouble says both", () => {
    expect(glance({ ...drained, recentRefusals: [refused("queue-full")] })).toBe("bad: Drained, refusing");
    expect(glance({ ...drained, servers: [up("a"), down("b")] })).toBe("warn: Drained, 1 of 2 servers");
  });

  test("without a server is not lost yet: its deploy may restart them all", () => {
    expect(glance({ ...drained, servers: [down("a")] })).toBe("warn: Drained, no server");
    const recentRefusals = [refused("queue-full")];
    expect(glance({ ...drained, servers: [down("a")], recentRefusals })).toBe("bad: Drained, refusing");
  });

  test("is in trouble while a shard is not reached: what that has in flight is not known", () => {
    const shards = [shardWith(), shardWith({ shard: 1, reachable: false })];
    expect(glance({ state: "draining", drain, shards })).toBe("bad: Draining, 1 of 2 shards not reached");
  });

  test("has no trends, and waits for slots in quarantine", () => {
    expect(glance(drained, "grows")).toBe("warn: Drained");
    const servers = [serverWith({ quarantined: 1, inFlight: 1 })];
    expect(glance({ state: "draining", drain, servers })).toBe("warn: Draining");
  });
});
