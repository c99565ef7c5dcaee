import type { ServerState } from "../scheduler/fleet/server.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { PoolEvent } from "../scheduler/record/events.ts";
import type { SchedulerRefusal } from "../scheduler/record/outbox.ts";
import type { Snapshot } from "../scheduler/snapshot.ts";
import type { CutOff } from "../scheduler/terms/lease-end.ts";

/**
 * What a Worker and a Pool say to each other. During a deploy of Sluice new Workers meet old Pools and the
 * other way round for seconds to minutes: change this only so that both sides still understand the previous
 * version.
 */

/** One request's claim to a slot. The id is the ticket's while it waits and the lease's once it is granted. */
export interface AcquireRequest {
  id: string;
  /** The place it was told, when asking again; the ticket then keeps it. */
  seq?: number;
  /** How long the request has waited so far, in ms, when asking again. */
  waitedMs?: number;
  /** How long it has paused, in ms, since it last tried to reach the pool: those beside it are back as soon. */
  pausedMs?: number;
  /**
   * A further attempt: the server that failed the last one, if another is wanted. `rest`: it gets the request again no
   * sooner than in `ms`, wanted or not; absent from Workers of before 2026-11-22.
   */
  retry?: { avoid: string | null; rest?: { server: string; ms: number } };
  /** What has ended in the same Worker and was not told yet. */
  done?: Done[];
}

/** What a ticket is told that has waited for a while. Whoever holds `place` holds the place: dropping it leaves the list. */
export interface Queued {
  granted: false;
  code: "queued";
  place: Place;
  seq: number;
}

export interface Place extends Rpc.RpcTargetBranded {
  /** Resolves when it is its turn, or never will be. */
  turn(): Promise<Granted | NotGranted>;
  leave(): void;
}

/** How Workers of before 2026-11-22 are told their place. */
export type OnQueued = (place: Place, seq: number) => void;

export interface Granted {
  granted: true;
  /** All that a Worker needs to know of the server: its own configuration may be another version's. */
  server: { name: string; url: string };
  /** The place that a retry goes by; `null` where it is not known any more. */
  seq: number | null;
  /**
   * Nothing else is under way, and other slots are free: nobody waits to hear that this one is done, and nobody would
   * share the message. Absent from Pools of before 2026-11-22.
   */
  alone?: boolean;
  /** Other slots are free: nobody waits to hear that this one is done. Absent as `alone` is. */
  unhurried?: boolean;
}

export interface NotGranted {
  granted: false;
  code: SchedulerRefusal | "left";
}

/**
 * How the holder let go of its slot.
 * done     the server's last byte has come
 * unused   nothing was sent to the server
 * other    cut off: see `CutOff`
 */
export type Ending = "done" | "unused" | CutOff;

/** A request whose server has answered to the last byte, and with what status. */
export interface Done {
  id: string;
  status: number;
}

/** Dropped before the request has ended, it counts as cut off. */
export interface Lease extends Rpc.RpcTargetBranded {
  /** Workers of before 2026-11-22 end by it, as by the pool's own `end`. */
  end(ending: Ending, retried?: boolean, status?: number): Promise<void>;
  /** To be called every `RENEW_MS` or so. `false`: the slot is no longer the caller's. */
  renew(): boolean;
}

/** A third of a lease's time to live, so that two renewals may be lost. */
export const RENEW_MS = 10_000;

export interface DrainRequest {
  owner: string;
  reason: string | null;
  expiresMs: number | null;
  /** Only if this owner's drain is still on. Absent from Workers of before 2026-11-21. */
  extend?: boolean;
}

export interface DrainAnswer {
  /** Not done, because another owner holds the drain: the snapshot says who. */
  held: boolean;
  snapshot: Snapshot;
}

/** Not done, because the server is in this state. */
export interface OtherState {
  otherState: ServerState;
}

/** How much a watcher knows already. */
export interface Seen {
  /** Of which instance of the object; what another one said counts for nothing. */
  instance: string;
  events: number;
  snapshot: number;
}

export interface News {
  seen: Seen;
  /** What is new or has grown, oldest first; of a new instance all that are kept. */
  events: PoolEvent[];
  /** As JSON; `null`: nothing has changed. */
  snapshot: string | null;
  /** A `QueueHistory` as JSON, where it was asked for. Absent from Pools of before 2026-11-22. */
  history?: string;
}

/** One session with the pool's object, which bills it as one request however often it is looked at. */
export interface Watch extends Rpc.RpcTargetBranded {
  /** `history`: with how the waiting list was. Workers of before 2026-11-22 do not ask for that. */
  look(seen: Seen | null, history?: boolean): News;
}

/** Both of one moment. */
export interface PoolMetrics {
  snapshot: Snapshot;
  counts: Counts;
}
