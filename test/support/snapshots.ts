import type {
  FlowSnapshot,
  LeaseSnapshot,
  ServerSnapshot,
  ShardSnapshot,
  Snapshot,
} from "../../src/scheduler/snapshot.ts";

/** A server as Sluice shows it. */
export function serverWith(changes: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return {
    name: "web-1",
    url: "https://web-1.example.com",
    state: "ready",
    stateSince: null,
    health: "up",
    healthSince: null,
    lastCheck: null,
    slots: 1,
    weight: 1,
    backup: false,
    inFlight: 0,
    quarantined: 0,
    leases: [],
    ...changes,
  };
}

/** A pool with nothing to do. */
export function poolWith(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    name: "web",
    state: "running",
    drain: null,
    inFlight: 0,
    quarantined: 0,
    queued: 0,
    oldestWaitMs: 0,
    maxQueue: 1_000,
    queueTimeoutMs: 600_000,
    arrivalsPerSecond: 0,
    grantsPerSecond: 0,
    fullInMs: null,
    firstTimeoutInMs: null,
    timeLeft: null,
    waitMs: null,
    serviceMs: null,
    slots: 1,
    checks: true,
    servers: [serverWith()],
    totals: { accepted: 0, completed: 0, refused: {}, retried: 0, abandoned: 0, free: 0, passedOn: 0 },
    recentRefusals: [],
    revision: { since: "2026-11-21T08:00:00.000Z", number: 1 },
    ...changes,
  };
}

/** Without what changes with time alone. */
export function timeless(snapshot: Snapshot): Snapshot {
  return { ...snapshot, arrivalsPerSecond: null, grantsPerSecond: null, timeLeft: null };
}

/** One request at work. */
export function leaseWith(changes: Partial<LeaseSnapshot> = {}): LeaseSnapshot {
  const since = "2026-11-21T09:00:00.000Z";
  return { id: "a", since, quarantined: false, ...changes };
}

/** A client with one request that waits. */
export function flowWith(changes: Partial<FlowSnapshot> = {}): FlowSnapshot {
  return { key: "4f2a9c01d3e5b768", queued: 1, inFlight: 0, oldestWaitMs: 1_000, share: 0, ...changes };
}

/** One of the objects of a pool: it has nothing to do. */
export function shardWith(changes: Partial<ShardSnapshot> = {}): ShardSnapshot {
  return { shard: 0, reachable: true, slots: 1, inFlight: 0, queued: 0, ...changes };
}
