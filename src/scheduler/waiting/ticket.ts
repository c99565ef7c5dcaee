import type { Caller } from "../terms/passing.ts";
import type { FailedServer, Retry } from "./failed-server.ts";

/** How a request asks for a slot. */
export interface TicketRequest {
  /** Id of the ticket, and of its lease once a slot is granted. */
  id: string;
  /** The token that the ticket got while it waited, or with an earlier grant. With it, the ticket keeps its turn. */
  token?: number;
  /** How long the request has waited for slots so far, in ms. Without a token, it keeps its turn by this. */
  waitedMs?: number;
  /** How long the ticket paused, in ms, after its last try to reach the pool. The regroup waits by this. */
  pausedMs?: number;
  retry?: Retry;
  /** Requests of the same key go to the same server if they can: a whole number of 53 bits. Absent: it has none. */
  hashKey?: number;
  /** Tells whose request it is, as a hash. Absent: the pool does not ask, or nothing tells. */
  flow?: string;
  /** It goes as if it had come so much earlier, in ms; negative: later. Absent: 0. */
  aheadMs?: number;
  /** Only of a direct request: after so long a wait in all, in ms, it is given up, if not by `queue_timeout` before. */
  patienceMs?: number;
  /** Only of a direct request: after so long a wait in all, in ms, its client wants to store it instead. */
  deferAfterMs?: number;
  /** Only of a direct request whose Worker can pass leases on: where it waits. */
  caller?: Caller;
  /** Another shard has sent it on, at which it was accepted. */
  sentOn?: boolean;
  /** Where this shard has no place or no server for it, it asks another one, and is not refused yet. */
  mayAskAnother?: boolean;
  /** Only of a deferred request: when it is given up, instead of after `queue_timeout`; ms since the epoch. */
  expiresAt?: number;
}

/** A request on the waiting list. Times are in ms since the epoch. */
export interface Ticket {
  readonly id: string;
  /** When the request first arrived, through all restarts of the pool. Opaque to all but the waiting list. */
  readonly token: number;
  /** When it is its turn, among those of its flow: its arrival, or as much earlier as it goes ahead. */
  readonly due: number;
  /** Whose request it is; `null`: nothing tells. */
  readonly flow: string | null;
  /** When it began to wait; the time that its earlier attempts spent at servers does not count. */
  readonly since: number;
  /** True if the request had a slot before. */
  readonly isRetry: boolean;
  /** The server of the last attempt; `null`: this is the first. */
  readonly failed: FailedServer | null;
  /** `null`: it may go to any server. */
  readonly hashKey: number | null;
  /** When a deferred request is given up: nobody holds a connection for it. `null`: this is a direct one. */
  readonly expiresAt: number | null;
  /** Where a direct request waits; `null`: it gets its slot from the object only. */
  caller: Caller | null;
  /** When the patience of a direct request's client ends; `null`: never before `queue_timeout`. */
  readonly patientUntil: number | null;
  /** True if the client then wants to store it instead. */
  readonly isToBeStored: boolean;
  /** True once the ticket is off the list: granted, refused, or its client left. */
  left: boolean;
}

/** The order of tickets of one flow. Two of the same token are a request that asks twice, or came when another had. */
export function goesBefore(a: Ticket, b: Ticket): boolean {
  if (a.due !== b.due) return a.due < b.due;
  return a.token < b.token || (a.token === b.token && a.since < b.since);
}

export function hasLeft(ticket: Ticket): boolean {
  return ticket.left;
}
