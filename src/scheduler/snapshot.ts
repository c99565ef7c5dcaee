import type { Server } from "./fleet/server.ts";
import type { Slot } from "./fleet/slot.ts";
import type { Totals } from "./record/counters.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Health, isInFlight, type ServerState } from "./terms/rows.ts";

/** A pool as the admin side shows it. Instants are ISO 8601 in UTC. */
export interface Snapshot {
  name: string;
  state: "running" | "draining" | "drained";
  drain: { owner: string; reason: string | null; since: string; expiresAt: string } | null;
  /** Slots whose server may be at work for the pool, the quarantined ones included. */
  inFlight: number;
  quarantined: number;
  queued: number;
  oldestWaitMs: number;
  slots: number;
  /** Whether the pool has health checks: without them its servers stay `unchecked`. */
  checks: boolean;
  servers: ServerSnapshot[];
  totals: Totals;
}

export interface ServerSnapshot {
  name: string;
  url: string;
  state: ServerState;
  /** When the operator last changed it; `null`: never. */
  stateSince: string | null;
  /** Who did; absent where that was not said. */
  stateOwner?: string | undefined;
  health: Health;
  /** When it last changed; `null`: never. */
  healthSince: string | null;
  /** The last health check since the pool's object started; `at` is when the server was asked. */
  lastCheck: { at: string; passed: boolean } | null;
  slots: number;
  weight: number;
  /** Without an operator's change; absent where they are as configured. */
  configured?: { slots: number; weight: number } | undefined;
  backup: boolean;
  inFlight: number;
  quarantined: number;
  leases: LeaseSnapshot[];
}

export interface LeaseSnapshot {
  id: string;
  /** When its request was given the slot. */
  since: string;
  quarantined: boolean;
  /** When its request was cut off, or else when the pool's object started; only in quarantine. */
  quarantinedSince?: string | undefined;
  /** When the quarantine ends at the latest; only in one. */
  until?: string | undefined;
}

export function snapshotOf(name: string, scheduler: Scheduler, now: number): Snapshot {
  const servers = scheduler.servers.map(serverSnapshot);
  const drain = scheduler.currentDrain;
  const inFlight = scheduler.inFlight;
  return {
    name,
    state: drain ? (inFlight > 0 ? "draining" : "drained") : "running",
    drain: drain && {
      owner: drain.owner,
      reason: drain.reason,
      since: iso(drain.since),
      expiresAt: iso(drain.expiresAt),
    },
    inFlight,
    quarantined: sum(servers, (server) => server.quarantined),
    queued: scheduler.queued,
    oldestWaitMs: scheduler.oldestSince === undefined ? 0 : Math.max(0, now - scheduler.oldestSince),
    slots: sum(servers, (server) => server.slots),
    checks: scheduler.hasChecks,
    servers,
    totals: scheduler.totals,
  };
}

function serverSnapshot(server: Server): ServerSnapshot {
  const requests = [...server.takenSlots()].filter(isInFlight);
  const leases = requests.map(leaseSnapshot);
  return {
    name: server.name,
    url: server.url,
    state: server.state,
    stateSince: server.stateSince === null ? null : iso(server.stateSince),
    ...(server.override.owner === undefined ? {} : { stateOwner: server.override.owner }),
    health: server.health.status,
    healthSince: server.healthSince === null ? null : iso(server.healthSince),
    lastCheck: server.lastCheck && { at: iso(server.lastCheck.at), passed: server.lastCheck.passed },
    slots: server.slots,
    weight: server.weight,
    ...(server.isAsConfigured ? {} : { configured: server.configured }),
    backup: server.backup,
    inFlight: leases.length,
    quarantined: leases.filter((lease) => lease.quarantined).length,
    leases,
  };
}

function leaseSnapshot({ lease, since, state, stateSince, until }: Slot): LeaseSnapshot {
  const quarantined = state === "quarantined";
  return {
    id: lease,
    since: iso(since),
    quarantined,
    ...(quarantined ? { quarantinedSince: iso(stateSince), until: iso(until) } : {}),
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
const sum = <T>(items: T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);
