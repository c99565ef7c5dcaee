import type { ReachedServer } from "../config/types.ts";
import type { Force } from "../scheduler/drain.ts";
import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { PoolEvent } from "../scheduler/record/events.ts";
import type { ShardLoad } from "../scheduler/shards/choice.ts";
import type { ServerSnapshot, Snapshot, SnapshotContent } from "../scheduler/snapshot.ts";
import type { LeaseEnd, SchedulerRefusal } from "../scheduler/terms/lease-end.ts";
import type { Outlook } from "../scheduler/terms/outlook.ts";
import type { Next, Passed, PassPermit } from "../scheduler/terms/passing.ts";
import type { ServerPatch, ServerState } from "../scheduler/terms/rows.ts";
import type { TicketRequest } from "../scheduler/waiting/ticket.ts";
import type { Act } from "./act.ts";
import type { Asked, AuditAnswer, AuditEntry, AuditQuery } from "./audit.ts";
import type {
  DeferAgain,
  DeferAnswer,
  DeferRequest,
  DeferredEnd,
  DeferredEntry,
  DeferredQuery,
  EndedDeferred,
  Place,
} from "./deferral.ts";

/**
 * The version of the messages between Workers and a pool's object; docs/protocol.md describes their sessions. While
 * Sluice is deployed, new Workers meet old objects and the other way round for seconds to minutes, so each version must
 * understand the one before it. Raise this number when the meaning of a message changes; docs/protocol.md and
 * CONTRIBUTING.md say how messages may change.
 */
export const PROTOCOL = 1;

/** All calls that a pool's object offers. Times are in ms, and every call is idempotent. */
export interface PoolCalls extends Rpc.DurableObjectBranded {
  /**
   * Asks for a slot. Resolves with `granted` or a refusal; if that takes a while, with `queued` first, whose
   * `ticket.turn` then resolves with one of the two. A repeated call keeps the ticket's turn and replaces the earlier
   * call, which resolves with `left`. Rejects if `protocol` is more than one version away. Called by a Worker, for each
   * attempt of a request.
   */
  enter(request: EnterRequest): Promise<Granted | Served | Queued | NotGranted>;
  /**
   * Takes a ticket off the waiting list. Does nothing for a ticket that does not wait.
   * Called by a Worker whose client disconnects before `enter` is answered; after that it has the ticket's handle.
   */
  leave(id: string): void;
  /**
   * Ends leases. Resolves when that is on record. Does nothing for an unknown lease, which has ended before. For a
   * ticket that still waits, `unused` takes it off the waiting list. Called by the Worker that holds the leases, again
   * until it resolves. `passing`: of an isolate that passes leases on; it is told who is next.
   */
  end(ended: Ended[], passing?: PassingReport): Promise<Next | undefined>;
  /**
   * Renews a lease and returns a handle of it: the pool learns at once when the handle's holder is gone. `null`: the
   * slot is no longer the caller's. If it was cut off, the handle says so at once. Called by a Worker that has held a
   * slot for `ATTACH_MS`, and by one whose handle an earlier instance of the object gave. `hop`: how often the lease had been
   * passed on; absent: never.
   */
  attach(id: string, hop?: number): Lease | null;
  /**
   * Names a server for a request of `free_paths`, which takes no slot, and counts the request unless a server has
   * failed it before. Called by a Worker, for each attempt.
   */
  freeServer(request: FreeRequest): FreeAnswer;

  // The calls below are made by deferred requests' objects, each until it resolves.

  /** Puts a stored request on the waiting list. */
  defer(request: DeferRequest): DeferAnswer;
  /** Puts it there again after an attempt, and then ends that attempt's lease. */
  deferAgain(again: DeferAgain): void;
  /**
   * It has ended, and needs no slot any more; its lease is ended apart. Returns its number on the operator's list;
   * `null`: it ended before.
   */
  deferredEnded(id: string, end: DeferredEnd): number | null;
  /** It is not to be worked after all, and nothing of it is kept. */
  withdrawDeferred(id: string, key: string | null): void;
  forgetDeferred(ended: EndedDeferred): void;
  /** `null`: it does not wait. */
  placeOf(id: string): Place | null;

  // The calls below are made by the admin side.

  listDeferred(query: DeferredQuery): DeferredEntry[];

  snapshot(): Snapshot | Promise<Snapshot>;
  watch(): Watch;
  /** The counts are durable before they are returned, so a Prometheus counter never goes back. */
  metrics(): PoolMetrics | Promise<PoolMetrics>;

  drain(request: DrainRequest, act: Act): Promise<DrainAnswer>;
  /** A drain in which requests are refused instead of held. `resume` ends it, too. */
  stop(request: StopRequest, act: Act): Promise<DrainAnswer>;
  resume(request: ResumeRequest, act: Act): DrainAnswer | Promise<DrainAnswer>;
  /** Resolves once the pool is drained or stopped, the drain is over, or `timeoutMs` have passed. */
  whenDrained(timeoutMs: number): Promise<Snapshot>;
  /** `null`: no such server. */
  changeServer(name: string, change: ServerChange, act: Act): Promise<Snapshot | OtherState | null>;
  /** A server registers, for the first time or again. */
  register(registration: Registration, act: Act): Registered | NotRegistered;
  /** A server that has registered leaves. `null`: there is none of this name, or at this URL if one is given. */
  deregister(name: string, url: string | null, act: Act): Promise<Leaving | null>;
  /**
   * Resolves once nothing is in flight at the server of this identity, it has registered again, or `timeoutMs` have
   * passed: with how many slots are in flight.
   */
  whenIdle(identity: string, timeoutMs: number): Promise<number>;
  /**
   * Frees a slot, because the operator knows that its server is idle: as soon as it is certain which request has it. `null`: no
   * such lease. `name`: see `leaseName`. `waitedMs`: how long the calls have waited for that which this one repeats.
   */
  freeLease(name: string, act: Act, waitedMs?: number): Promise<Snapshot | null>;
  /** What an operator has done to a deferred request, whose own object was asked for it. */
  auditDeferred(asked: Asked, answer: AuditAnswer, act: Act): void;
  /** The last changes by operators, newest first. */
  audit(query: AuditQuery): AuditEntry[];
}

/** `id` is the ticket's, and the lease's once a slot is granted. */
export interface EnterRequest extends TicketRequest {
  protocol: number;
  /**
   * When a call that is repeated was sent, by its Worker's clock; ms since the epoch. It may have waited for the object to
   * start, and `waitedMs` knows nothing of that.
   */
  sentAt?: number;
  /** True if the request may be stored instead, where it would wait for an operator or a server. */
  mayDefer?: boolean;
  /** Leases of the same isolate that have ended, to save a message. They are ended before the request enters. */
  ended?: Ended[];
  /** Leases that were passed on in the isolate of `caller`, likewise. */
  passed?: Passed[];
}

/** What was passed on in an isolate. */
export interface PassingReport {
  isolate: string;
  passed: Passed[];
}

export interface FreeRequest {
  protocol: number;
  /** The names of the servers that have failed the request. */
  failed: string[];
  /** Where this shard has no server, another one is asked, and the request is not refused yet. */
  mayAskAnother?: boolean;
}

/** `halted`: the pool is drained, and the request is to ask for a slot like any other. */
export type FreeAnswer =
  | { free: true; server: Granted["server"] }
  | { free: false; code: "halted" | "no-server" };

export interface Ended {
  id: string;
  end: LeaseEnd;
  /** How often the lease had been passed on; absent: never. */
  hop?: number;
}

export interface Granted {
  granted: true;
  /** All that a Worker needs to know of the server; its own configuration may be of another version. */
  server: ReachedServer;
  /** Sent again with a retry, which then keeps its turn. */
  token: number;
  /**
   * How soon the pool wants to learn that the server is done. `alone`: at once, and in a message of its own, because
   * what its sender has in storage must be durable before.
   */
  tellEnd: Urgency | "alone";
  /** Absent: the lease must not be passed on. */
  pass?: PassPermit;
  next?: Next;
  /** Only of a pool of several objects: how much this one has to do. */
  load?: ShardLoad;
}

/**
 * How long the message that a lease has ended may wait for others, to share it.
 * at once    not at all: another request waits for a slot
 * in a turn  until the end of this turn of the event loop: nobody waits
 * soon       until the Worker's next message to the pool, or some ms: slots are free, and nothing else is in flight
 */
export type Urgency = "at once" | "in a turn" | "soon";

/**
 * Sent to a ticket that has waited for half a second, or at once in a drain. The ticket leaves the waiting list when
 * its holder disposes `ticket` or dies.
 */
export interface Queued {
  granted: false;
  code: "queued";
  ticket: WaitingTicket;
  /** Keeps the ticket's turn when it enters again, after the object has restarted. */
  token: number;
  /** The isolate must not pass leases on to those that it was told are next. The call of `turn` confirms that. */
  next?: Next;
  load?: ShardLoad;
}

export interface WaitingTicket extends Rpc.RpcTargetBranded {
  /** Resolves when a slot is granted or the request refused, or with `again`: it is to be called again. */
  turn(): Promise<Granted | Served | Again | NotGranted>;
  leave(): void;
}

export interface NotGranted {
  granted: false;
  /**
   * `left`: the ticket left the waiting list, or a repeated `enter` replaced this call. `defer`: the request should be
   * stored instead. `elsewhere`: it should wait at another shard.
   */
  code: SchedulerRefusal | "left" | "defer" | "elsewhere";
  /** With `stopped`: what the operator has to say to clients. */
  message?: string;
  /** With a refusal. */
  outlook?: Outlook;
  /** With `defer`, if the request has waited: the stored request keeps its turn by it. */
  token?: number;
  /** With `elsewhere`: which shard; `null`: any that has not said so, as this one has no place or no server. */
  to?: number | null;
  /** With `elsewhere`: the list is full here. */
  isFull?: boolean;
  /** With `elsewhere`: the request had a place on the waiting list, and is to have one there. */
  sentOn?: boolean;
  load?: ShardLoad;
}

/** The pool has heard that the request got a lease which was passed on. */
export interface Served {
  granted: false;
  code: "served";
  /** Sent again with a retry, which then keeps its turn. */
  token: number;
  next?: Next;
}

/** The ticket still waits, and its isolate must not pass leases on to those that it was told are next. */
export interface Again {
  granted: false;
  code: "again";
  next: Next;
}

/** A lease's handle. If it is disposed before the lease has ended, the lease ends as `lost`. */
export interface Lease extends Rpc.RpcTargetBranded {
  /** To be called every `RENEW_MS`. `false`: the slot is no longer the caller's. */
  renew(): boolean;
  /** Resolves when the slot is taken from the caller, and says why. Rejects when the object restarts. */
  untilCut(): Promise<Taken>;
}

/**
 * Why a slot is taken from its holder.
 * cut    an operator's drain has waited for it as long as it was to: the slot stays closed until its server is done
 * freed  an operator has freed it by hand: another request may have it already
 */
export type Taken = "cut" | "freed";

/** How long a lease lasts before its holder attaches, in ms: most have ended by then, and save the call. */
export const ATTACH_MS = 1_000;

/** How often a lease is renewed, in ms. It survives one failed renewal; after two in a row the third comes too late. */
export const RENEW_MS = LEASE_TTL_MS / 3;

export interface DrainRequest {
  owner: string;
  reason: string | null;
  /** From now; `null`: after the pool's `drain_expires`, or at the drain's current end if that is later. */
  expiresMs: number | null;
  /** From now: what is still held then is cut off. Absent: as it is. */
  cutMs?: number | undefined;
  /** Changes a drain of this owner that is still on, and begins none. */
  extend?: boolean | undefined;
}

export interface StopRequest extends Pick<DrainRequest, "owner" | "expiresMs" | "cutMs"> {
  /** What clients are told; `null`: what they are told already, or no more than that the service is stopped. */
  message: string | null;
}

export interface ResumeRequest {
  owner: string;
  force: Force;
}

export interface ServerChange {
  patch: ServerPatch;
  /** Change the server only if it is in this state. */
  ifState?: ServerState | undefined;
}

/** What a server says of itself. */
export interface Registration {
  name: string;
  /** An origin, without a trailing slash. */
  url: string;
  /** `null`: as many as the pool's servers have. */
  slots: number | null;
  weight: number;
  backup: boolean;
  /** It leaves after this unless it registers again; `null`: it stays. */
  expiresMs: number | null;
  /** It has registered before, and does not take the name from another one that has it by now. */
  renews: boolean;
}

export interface Registered {
  /** `renewed`: it was there, as it says. */
  answer: "new" | "changed" | "renewed";
  server: ServerSnapshot;
}

export interface NotRegistered {
  refused: "registration-refused" | "registration-full" | "server-known";
  /** A sentence. */
  because: string;
}

/** A server that gets no more requests. */
export interface Leaving {
  /** `null`: it is gone. */
  identity: string | null;
  inFlight: number;
}

export interface DrainAnswer {
  /**
   * `nothing`: there was no drain to extend or to end. `drain-held`: another drain is on, which the snapshot has, and
   * nothing was done. `forbidden`: the same, and the right to end it is missing. A call that is repeated has the answer
   * of the first one, though that drain may have ended since.
   */
  answer: "done" | "nothing" | "drain-held" | "forbidden";
  snapshot: Snapshot;
}

/** The server was not changed, because it is in this state and not in `ifState`. */
export interface OtherState {
  otherState: ServerState;
}

/** A session with the pool's object, billed as one request however often `look` is called. */
export interface Watch extends Rpc.RpcTargetBranded {
  /** Returns what is new since `seen`. `history`: also the recent history of the waiting list. */
  look(seen: Seen | null, history?: boolean): News | Promise<News>;
}

/** What a watcher has seen already; it gets it from the last `News` and sends it back. */
export interface Seen {
  /** The object's instance that the revisions below belong to; after a restart they are worthless. */
  instance: string;
  /** Revision of the events. */
  events: number;
  /** Revision of the snapshot. */
  snapshot: number;
}

export interface News {
  seen: Seen;
  /** Events that are new or have grown, oldest first; all that are kept if `seen` is of another instance. */
  events: PoolEvent[];
  /** A `Snapshot` as JSON; `null`: it has not changed. */
  snapshot: string | null;
  /** A `QueueHistory` as JSON, if it was asked for. */
  history?: string;
}

/** Snapshot and counts of the same moment. */
export interface PoolMetrics {
  snapshot: SnapshotContent;
  counts: Counts;
}
