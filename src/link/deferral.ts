import type { DeferRefusal, LeaseEnd } from "../scheduler/terms/lease-end.ts";
import type { Outlook } from "../scheduler/terms/outlook.ts";
import type { Retry } from "../scheduler/waiting/failed-server.ts";

/**
 * What a deferred request's object and its pool tell each other. Times are in ms since the epoch, unless they are
 * called `…Ms`.
 */

/** A stored request asks for its turn. */
export interface DeferRequest {
  /** The id that its client has. */
  id: string;
  /** For the operator's list only. */
  method: string;
  path: string;
  acceptedAt: number;
  /** When it is given up, unless it has a slot by then. */
  expiresAt: number;
  /** See `TicketRequest`; `null`: it has none. */
  hashKey: number | null;
  /** See `TicketRequest`; `null`: it has none. Absent: its object is of the version before, as with the next two. */
  flow?: string | null;
  aheadMs?: number;
  /** Of the direct request that it was, which had waited: it keeps its turn. `null`: it comes now. */
  token?: number | null;
  /** Of the client's `Idempotency-Key`, method and path; `null`: it sent no key. */
  key: string | null;
  /** Of the body: a repeated key must come with the same. */
  fingerprint: string;
  /** Of a request that has failed and is to be tried again: its number on the operator's list. */
  former: number | null;
}

export type DeferAnswer =
  /** It is on the waiting list, and will have its turn. `number`: on the operator's list. */
  | { code: "deferred"; number: number; place: Place }
  /** There is a request with this key and body already: that of this id. */
  | { code: "repeated"; id: string }
  /** `message`: with `stopped`, what the operator has to say to clients. */
  | {
      code: DeferRefusal | "idempotency-mismatch";
      message?: string | undefined;
      outlook?: Outlook | undefined;
    };

/** A place on the waiting list. */
export interface Place {
  /** 1: the next in line. */
  place: number;
  /** When its slot may be free, from now; `null`: nobody knows. */
  startsInMs: number | null;
}

/** A deferred request's attempt has failed, and it waits for the next. */
export interface DeferAgain {
  id: string;
  /** Of the attempt that has failed. */
  ticket: string;
  /** How that attempt's lease ends. */
  end: LeaseEnd;
  retry: Retry;
}

/** How a deferred request ended. */
export interface DeferredEnd {
  state: DeferredEndState;
  /** The slot that it had last, and may still have if its object was restarted; `null`: it never had one. */
  ticket: string | null;
  /** Of the answer, or of the refusal in its place; `null`: canceled. */
  status: number | null;
  /** Of the refusal. */
  code: string | null;
  attempts: number;
  /** Its last attempt's beginning; `null`: it never had a slot. */
  startedAt: number | null;
}

export const END_STATES = ["answered", "failed", "canceled"] as const;
export type DeferredEndState = (typeof END_STATES)[number];
export type DeferredState = "queued" | "running" | DeferredEndState;

export function isEndState(state: string | null): state is DeferredEndState {
  return (END_STATES as readonly (string | null)[]).includes(state);
}

/** How a pool finds a deferred request that has ended. */
export interface EndedDeferred {
  id: string;
  /** On the operator's list. */
  number: number;
  key: string | null;
}

/** A line of the operator's list. */
export interface DeferredEntry {
  id: string;
  number: number;
  state: DeferredState;
  method: string;
  path: string;
  acceptedAt: number;
  /** Of its last attempt. */
  startedAt: number | null;
  endedAt: number | null;
  /** The pool learns of them with the end; 0 before. */
  attempts: number;
  status: number | null;
  code: string | null;
}

export interface DeferredQuery {
  /** `null`: all. */
  state: DeferredState | null;
  limit: number;
  /** The number of the last entry that is known; 0: from the first one. */
  after: number;
}
