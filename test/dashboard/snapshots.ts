import type { DeferredRequest } from "../../src/dashboard/page/api.ts";
import type { RecentRefusal } from "../../src/scheduler/record/recent-refusals.ts";
import type {
  DeferredSnapshot,
  LeaseSnapshot,
  ServerSnapshot,
  Snapshot,
} from "../../src/scheduler/snapshot.ts";
import { leaseWith, poolWith, serverWith } from "../support/snapshots.ts";

export const NOW = Date.parse("2026-11-21T09:00:00.000Z");

/** An instant before `NOW`; after it, if `seconds` is negative. */
export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1_000).toISOString();
}

export function aServer(changes: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return serverWith({ url: "http://127.0.0.1:9", healthSince: ago(600), ...changes });
}

export function aLease(id: string, seconds = 1): LeaseSnapshot {
  return leaseWith({ id, since: ago(seconds) });
}

/** A lease whose request was cut off two minutes after its start. */
export function aQuarantinedLease(id: string, seconds: number, opensInS = 60): LeaseSnapshot {
  const quarantine = { quarantined: true, quarantinedSince: ago(seconds), until: ago(-opensInS) };
  return leaseWith({ id, since: ago(seconds + 120), ...quarantine });
}

/** Requests that were refused lately, the last of them so many seconds ago. */
export function refused(code: string, count = 1, seconds = 5, deferred = false): RecentRefusal {
  return { code, deferred, count, since: ago(seconds + 5), until: ago(seconds) };
}

/** A running, idle pool with one server that is up. */
export function aPool(changes: Partial<Snapshot> = {}): Snapshot {
  return poolWith({ servers: [aServer()], ...changes });
}

export const drainedBy = (owner: string, expiresInS = 900): Partial<Snapshot> => ({
  state: "drained",
  drain: {
    owner,
    by: owner,
    reason: null,
    since: ago(10),
    expiresAt: ago(-expiresInS),
    cut: null,
    stop: null,
  },
});

/** A pool that stores requests. */
export function aDeferredPool(deferred: Partial<DeferredSnapshot> = {}, changes: Partial<Snapshot> = {}) {
  const counts = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0, ...deferred };
  return aPool({ queued: counts.queued, deferred: counts, ...changes });
}

/** One that has failed, as the API lists it. */
export function aDeferredRequest(changes: Partial<DeferredRequest> = {}): DeferredRequest {
  const { number = 1 } = changes;
  return {
    id: `secret-${number}`,
    number,
    state: "failed",
    method: "POST",
    path: `/orders/${number}`,
    acceptedAt: ago(600),
    startedAt: ago(300),
    endedAt: ago(290),
    attempts: 2,
    status: 502,
    code: "bad-gateway",
    ...changes,
  };
}
