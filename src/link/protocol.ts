import { LEASE_TTL_MS } from "../scheduler/fleet/leases.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { PoolEvent } from "../scheduler/record/events.ts";
import type { Snapshot } from "../scheduler/snapshot.ts";
import type { LeaseEnd, SchedulerRefusal } from "../scheduler/terms/lease-end.ts";
import type { ServerPatch, ServerState } from "../scheduler/terms/rows.ts";
import type { TicketRequest } from "../scheduler/waiting/ticket.ts";

/**
 * What Workers and a pool's object say to each other: docs/protocol.md tells it as a story. While Sluice is deployed,
 * new Workers meet old objects and the other way round for seconds to minutes, so each version must understand the one
 * before it. Whoever changes the meaning of a message raises this number; CONTRIBUTING.md says what stays readable.
 */
export const PROTOCOL = 1;

/** The calls that a pool's object takes. All times are ms; every call may be repeated. */
export interface PoolCalls extends Rpc.DurableObjectBranded {
  /**
   * A request wants a slot. Resolves once it has one or is refused; if that takes a while, first with what the ticket
   * is told meanwhile. A repeated call replaces the earlier one, which resolves with `left`, and keeps the ticket's turn.
   * By: a Worker, for each attempt of a request.
   */
  enter(request: EnterRequest): Promise<Granted | Queued | NotGranted>;
  /** The client of a waiting ticket left, and `enter` was not answered yet. Harmless for a ticket that does not wait. */
  leave(id: string): void;
  /**
   * Leases are over. Resolves when that is on record. Harmless for a lease that is unknown; `unused`, said of a ticket
   * that waits, takes it off the list. By: the Worker that holds them, until it resolves.
   */
  end(ended: Ended[]): Promise<void>;
  /**
   * For who holds a slot for long, or held it when an earlier instance went: from now on the pool learns at once when
   * its holder is gone. `null`: the slot is no longer its own.
   */
  attach(id: string): Lease | null;

  snapshot(): Snapshot;
  watch(): Watch;
  /** For a scrape: what it is told is durable, so no count ever goes back. */
  metrics(): PoolMetrics;

  drain(request: DrainRequest): DrainAnswer;
  resume(owner: string, force: boolean): DrainAnswer;
  /** Resolves once nothing is in flight, the drain is over, or `timeoutMs` have passed. */
  whenDrained(timeoutMs: number): Promise<Snapshot>;
  /** `ifState`: only for a server in this state. `null`: no such server. */
  changeServer(name: string, patch: ServerPatch, ifState?: ServerState): Snapshot | OtherState | null;
  /** An operator knows that the server is idle. `null`: no such lease. */
  freeLease(id: string): Snapshot | null;
}

/** The ticket's id is the lease's once it is granted. */
export interface EnterRequest extends TicketRequest {
  protocol: number;
  /** What has ended in the same isolate, and goes with this message. */
  ended?: Ended[];
}

export interface Ended {
  id: string;
  end: LeaseEnd;
}

export interface Granted {
  granted: true;
  /** All that a Worker needs to know of the server: its own configuration may be another version's. */
  server: { name: string; url: string };
  /** Keeps the turn of a retry. */
  token: number;
  /** How soon the pool is to hear that the server is done. */
  tellEnd: Urgency;
}

/**
 * at once    somebody may wait for the slot
 * in a turn  other slots are free: with what else ends in the same turn of the event loop
 * soon       nothing else is under way either: with the next message, or after some ms
 */
export type Urgency = "at once" | "in a turn" | "soon";

/** What a ticket is told that has waited for a while. Whoever drops `ticket` leaves the waiting list. */
export interface Queued {
  granted: false;
  code: "queued";
  ticket: WaitingTicket;
  /** For asking again, should the object restart. */
  token: number;
}

export interface WaitingTicket extends Rpc.RpcTargetBranded {
  /** Resolves when it is its turn, or never will be. */
  turn(): Promise<Granted | NotGranted>;
  leave(): void;
}

export interface NotGranted {
  granted: false;
  code: SchedulerRefusal | "left";
}

/** Dropped before the lease has ended, it ends as `lost`. */
export interface Lease extends Rpc.RpcTargetBranded {
  /** To be called every `RENEW_MS` or so. `false`: the slot is no longer the caller's. */
  renew(): boolean;
}

/** Two renewals may be lost before a lease runs out. */
export const RENEW_MS = LEASE_TTL_MS / 3;

export interface DrainRequest {
  owner: string;
  reason: string | null;
  expiresMs: number | null;
  /** Only if this owner's drain is still on. */
  extend?: boolean | undefined;
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

/** One session with the pool's object, which bills it as one request however often it is looked at. */
export interface Watch extends Rpc.RpcTargetBranded {
  /** `history`: with how the waiting list was. */
  look(seen: Seen | null, history?: boolean): News;
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
  /** A `QueueHistory` as JSON, where it was asked for. */
  history?: string;
}

/** Both of one moment. */
export interface PoolMetrics {
  snapshot: Snapshot;
  counts: Counts;
}
