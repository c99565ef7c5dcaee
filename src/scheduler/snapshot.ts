import type { TimeLimit } from "./capacity.ts";
import type { Server } from "./fleet/server.ts";
import type { Slot } from "./fleet/slot.ts";
import type { Totals } from "./record/counters.ts";
import type { Percentiles } from "./record/percentiles.ts";
import { RECENT_MS, type RecentRefusal, recentRefusals } from "./record/recent-refusals.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Health, isInFlight, leaseName, type RegisteredRow, type ServerState } from "./terms/rows.ts";
import type { WakeRecord } from "./wake.ts";

/** A pool as the admin side shows it. Instants are ISO 8601 in UTC. */
export interface Snapshot {
  name: string;
  /**
   * draining, stopping  leases remain
   * drained, stopped    none does, or those that did were cut off
   */
  state: "running" | "draining" | "drained" | "stopping" | "stopped";
  drain: DrainSnapshot | null;
  /** Slots whose server may be at work on a request: leased, in quarantine or in cooldown. */
  inFlight: number;
  /** How many of them are in quarantine. */
  quarantined: number;
  /** Length of the waiting list, deferred requests included. */
  queued: number;
  /** Of the direct requests on the list; 0 if none waits. */
  oldestWaitMs: number;
  /** `max_queue`: how many direct requests may wait. `null`: no limit is known, as the pool has no configuration. */
  maxQueue: number | null;
  /** `queue_timeout`: how long a direct request may wait. */
  queueTimeoutMs: number;
  /** New requests, those that are refused because the list is full included. `null`: not known for long enough. */
  arrivalsPerSecond: number | null;
  /** Requests that got their first slot. `null`: not known for long enough. */
  grantsPerSecond: number | null;
  /** When the list is full, if all goes on as it does; 0: it is. `null`: nothing says that it fills up. */
  fullInMs: number | null;
  /** When the oldest direct request times out if it gets no slot until then; `null`: none waits. */
  firstTimeoutInMs: number | null;
  /**
   * In a drain, and while requests are held because no server takes any: until a request is refused, or the drain ends by
   * itself. Otherwise `null`.
   */
  timeLeft: { ms: number; until: TimeLimit } | null;
  /** How long direct requests have waited for their first slot, in the last ten minutes; `null`: there were none. */
  waitMs: Percentiles | null;
  /** From the slot to the server's last byte, of all requests of the last ten minutes; `null`: there were none. */
  serviceMs: Percentiles | null;
  /**
   * Only of a pool with `flow`: ten flows at most. Those of which requests wait, who wait longest first, and then those
   * that have slots.
   */
  flows?: FlowSnapshot[] | undefined;
  /** Only of a pool with `flow`: how many requests wait of the flow of which most do. */
  longestFlow?: number | undefined;
  /** Absent if the pool stores no requests. */
  deferred?: DeferredSnapshot | undefined;
  slots: number;
  /** Only of a pool of several objects: each of them, in the order of their numbers. */
  shards?: ShardSnapshot[] | undefined;
  /** True if the pool has health checks. Without them its servers stay `unchecked`. */
  checks: boolean;
  servers: ServerSnapshot[];
  totals: Totals;
  /** The last time that the pool asked for servers by `wake`, and what it got, in words; absent: it has not. */
  lastWake?: { at: string; got: string } | undefined;
  /** What was refused in the minute before this snapshot, by the reason. */
  recentRefusals: RecentRefusal[];
  revision: Revision;
}

export interface DrainSnapshot {
  owner: string;
  /** The operator who began it. */
  by: string;
  reason: string | null;
  since: string;
  expiresAt: string;
  /** `null`: what is in flight may take as long as it needs. */
  cut: CutSnapshot | null;
  /** Requests are refused with this message, and none waits; `null`: it is a drain, in which requests wait. */
  stop: { message: string | null } | null;
}

/** When the leases that are still held are cut off. `done`: they were, so many `leases`. */
export interface CutSnapshot {
  at: string;
  done: boolean;
  leases?: number | undefined;
}

/** One of the objects that a pool is. */
export interface ShardSnapshot {
  shard: number;
  /** False: it does not answer. What it was last heard of stands in the pool's numbers, and the pool is not said to be drained. */
  reachable: boolean;
  /** Of the servers that are its own. */
  slots: number;
  inFlight: number;
  queued: number;
}

/** The requests of one client, as far as `flow` tells clients apart. */
export interface FlowSnapshot {
  /** The hash that stands in the log, too; `null`: of all requests that do not have what `flow` asks for. */
  key: string | null;
  queued: number;
  /** Slots whose servers may be at work for it. */
  inFlight: number;
  /** 0: none waits. */
  oldestWaitMs: number;
  /** Its share of the time that requests were at servers in about the last minute, 0 to 1. */
  share: number;
}

/** How many flows are shown. */
export const MOST_FLOWS = 10;

/** What a snapshot shows. */
export type SnapshotContent = Omit<Snapshot, "revision">;

/** Orders the snapshots of one pool, whichever way each has come: by `since`, then by `number`. */
export interface Revision {
  /** When the instance of the pool's object started that made the snapshot. */
  since: string;
  /** Rises by one with each change that a snapshot shows. */
  number: number;
}

/** Deferred requests: those on the waiting list, those that have a slot, and those that are kept after their end. */
export interface DeferredSnapshot {
  queued: number;
  running: number;
  answered: number;
  failed: number;
  /** How long the oldest that is queued has waited, in ms; 0: none is. */
  oldestMs: number;
}

export interface ServerSnapshot {
  name: string;
  url: string;
  /** The Worker's binding by which it is reached, if not by the public internet. */
  binding?: string | undefined;
  state: ServerState;
  /** When the operator last changed the state; `null`: never. */
  stateSince: string | null;
  /** Whose change of the state it is, such as a roll's; absent if they did not say. */
  stateOwner?: string | undefined;
  /** The operator who changed the server last; absent: nobody has. */
  changedBy?: string | undefined;
  health: Health;
  /** When the health last changed; `null`: never. */
  healthSince: string | null;
  /** Only of a server that came up a short time ago: until then its share of the requests grows (`slow_start`). */
  warmUntil?: string | undefined;
  /** Only of a server that is being taken out of the pool, and whose leases are to be cut off. */
  cut?: CutSnapshot | undefined;
  /** Only of a server that registered itself; `expiresAt`: it leaves then unless it registers again. */
  registered?: { by: string; since: string; expiresAt: string | null } | undefined;
  /**
   * The last health check that ended since the pool's object started; `at` is when it was sent, `got` what came of it, in
   * words such as `status 301`.
   */
  lastCheck: { at: string; passed: boolean; got: string } | null;
  slots: number;
  weight: number;
  /** What the configuration says, if an operator has changed either. */
  configured?: { slots: number; weight: number } | undefined;
  backup: boolean;
  inFlight: number;
  quarantined: number;
  leases: LeaseSnapshot[];
  /** Only of a pool of several objects: the number of that which grants its slots; absent: none does at the moment. */
  shard?: number | undefined;
}

export interface LeaseSnapshot {
  id: string;
  /** When the request got the slot. */
  since: string;
  quarantined: boolean;
  /** Only in quarantine: when the request was cut off, or when the pool's object started if that was later. */
  quarantinedSince?: string | undefined;
  /** Only in quarantine: when that ends at the latest. */
  until?: string | undefined;
}

export function snapshotOf(
  name: string,
  scheduler: Scheduler,
  now: number,
  deferred: DeferredSnapshot | null = null,
): SnapshotContent {
  const servers = scheduler.shownServers.map((server) => serverSnapshot(server, now));
  const drain = scheduler.currentDrain;
  const { inFlight, limits, traffic } = scheduler;
  return {
    name,
    state: stateOf(scheduler),
    drain: drain && {
      owner: drain.owner,
      by: drain.by,
      reason: drain.reason,
      since: iso(drain.since),
      expiresAt: iso(drain.expiresAt),
      cut: drain.cutAt === null ? null : cutSnapshot(drain.cutAt, drain.isCut, drain.cutLeases),
      stop: drain.stop && { message: drain.stop.message },
    },
    inFlight,
    quarantined: sum(servers, (server) => server.quarantined),
    queued: scheduler.queued,
    oldestWaitMs: scheduler.oldestSince === undefined ? 0 : Math.max(0, now - scheduler.oldestSince),
    maxQueue: Number.isFinite(limits.maxQueue) ? limits.maxQueue : null,
    queueTimeoutMs: limits.queueTimeoutMs,
    arrivalsPerSecond: hundredths(traffic.arrivalsPerSecond(now)),
    grantsPerSecond: hundredths(traffic.grantsPerSecond(now)),
    ...scheduler.capacity(now),
    waitMs: traffic.waits(now),
    serviceMs: traffic.services(now),
    ...flowsShown(scheduler, now),
    ...(deferred ? { deferred } : {}),
    slots: sum(servers, (server) => server.slots),
    checks: scheduler.hasChecks,
    servers,
    totals: scheduler.totals,
    ...(scheduler.lastWake ? { lastWake: wakeOf(scheduler.lastWake) } : {}),
    recentRefusals: recentRefusals(scheduler.journal.runsSince(now - RECENT_MS)),
  };
}

function flowsShown(scheduler: Scheduler, now: number): Pick<Snapshot, "flows" | "longestFlow"> {
  const flows = scheduler.flows(now);
  if (flows === null) return {};
  const shown = flows
    .map(({ oldestSince, share, ...use }) => ({
      ...use,
      oldestWaitMs: oldestSince === null ? 0 : Math.max(0, now - oldestSince),
      share: hundredths(share) ?? 0,
    }))
    .sort(isShownBefore)
    .slice(0, MOST_FLOWS);
  return { flows: shown, longestFlow: scheduler.longestFlow ?? 0 };
}

/** For `sort`. Of those of which none waits, that with more service; of equals always the same. */
export function isShownBefore(a: FlowSnapshot, b: FlowSnapshot): number {
  const byWait = Number(b.queued > 0) - Number(a.queued > 0) || b.oldestWaitMs - a.oldestWaitMs;
  return byWait || b.share - a.share || (nameOf(a) < nameOf(b) ? -1 : 1);
}

const nameOf = ({ key }: FlowSnapshot) => key ?? "";

function stateOf({ currentDrain, isDrained }: Scheduler): Snapshot["state"] {
  if (!currentDrain) return "running";
  if (currentDrain.stop) return isDrained ? "stopped" : "stopping";
  return isDrained ? "drained" : "draining";
}

function cutSnapshot(at: number, done: boolean, leases = 0): CutSnapshot {
  return { at: iso(at), done, ...(done ? { leases } : {}) };
}

function wakeOf({ at, got }: WakeRecord): NonNullable<Snapshot["lastWake"]> {
  return { at: iso(at), got: got ?? "no answer yet" };
}

export function serverSnapshot(server: Server, now: number): ServerSnapshot {
  const leases = [...server.occupiedSlots()].filter(isInFlight).map(leaseSnapshot);
  return {
    name: server.name,
    url: server.url,
    ...(server.binding === null ? {} : { binding: server.binding }),
    state: server.state,
    stateSince: server.stateSince === null ? null : iso(server.stateSince),
    ...(server.override.owner === undefined ? {} : { stateOwner: server.override.owner }),
    ...(server.override.by === undefined ? {} : { changedBy: server.override.by }),
    health: server.health.status,
    healthSince: server.healthSince === null ? null : iso(server.healthSince),
    ...(server.registration && !server.retired ? { registered: registeredOf(server.registration) } : {}),
    ...(server.available && server.warmUntil > now ? { warmUntil: iso(server.warmUntil) } : {}),
    ...(server.cut ? { cut: cutSnapshot(server.cut.at, server.cut.done, server.cut.leases) } : {}),
    lastCheck: server.lastCheck && {
      ...server.lastCheck,
      at: iso(server.lastCheck.at),
    },
    slots: server.slots,
    weight: server.weight,
    ...(server.isAsConfigured ? {} : { configured: server.configured }),
    backup: server.backup,
    inFlight: leases.length,
    quarantined: leases.filter((lease) => lease.quarantined).length,
    leases,
  };
}

function registeredOf({ by, since, expiresAt }: RegisteredRow): NonNullable<ServerSnapshot["registered"]> {
  return { by, since: iso(since), expiresAt: Number.isFinite(expiresAt) ? iso(expiresAt) : null };
}

function leaseSnapshot(slot: Slot): LeaseSnapshot {
  const { since, state, stateSince, until } = slot;
  const quarantined = state === "quarantined" || state === "cut";
  return {
    id: leaseName(slot),
    since: iso(since),
    quarantined,
    ...(quarantined ? { quarantinedSince: iso(stateSince), until: iso(until) } : {}),
  };
}

/** Rounded, so that a rate that stays is the same in each snapshot. */
export const hundredths = (rate: number | null) => rate && Math.round(rate * 100) / 100;
const iso = (ms: number) => new Date(ms).toISOString();
const sum = <T>(items: T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);
