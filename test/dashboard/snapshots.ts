import type { ServerSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";

export const NOW = Date.parse("2026-11-21T09:00:00.000Z");

/** An instant so many seconds before `NOW`; after it, if negative. */
export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1_000).toISOString();
}

export function aServer(changes: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return {
    name: "web-1",
    url: "http://127.0.0.1:9",
    state: "ready",
    stateSince: null,
    health: "up",
    healthSince: ago(600),
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

export function aLease(id: string, seconds = 1, quarantined = false): ServerSnapshot["leases"][number] {
  return { id, since: ago(seconds), quarantined };
}

/** Running and idle, with one server that is up. */
export function aPool(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    name: "web",
    state: "running",
    drain: null,
    inFlight: 0,
    quarantined: 0,
    queued: 0,
    oldestWaitMs: 0,
    slots: 1,
    checks: true,
    servers: [aServer()],
    totals: { accepted: 0, completed: 0, refused: {}, retried: 0, abandoned: 0 },
    ...changes,
  };
}

export const drainedBy = (owner: string, expiresInS = 900): Partial<Snapshot> => ({
  state: "drained",
  drain: { owner, reason: null, since: ago(10), expiresAt: ago(-expiresInS) },
});
