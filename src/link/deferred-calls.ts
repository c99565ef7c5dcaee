import type { RefusalCode } from "../refusals/refusal.ts";
import type { SchedulerRefusal } from "../scheduler/terms/lease-end.ts";
import type { Outlook } from "../scheduler/terms/outlook.ts";
import type { DeferAnswer, DeferredEndState, DeferredState } from "./deferral.ts";
import type { Granted, Lease } from "./protocol.ts";

/**
 * All calls that a deferred request's object offers. Every call is idempotent. `secret` is the part of the request's id
 * that only its client has: calls with another one find no request. Times are in ms since the epoch.
 */
export interface DeferredCalls extends Rpc.DurableObjectBranded {
  // ── The Worker that accepts it ──

  /** Stores a request whose body fits into one row, and puts it on the waiting list. */
  store(request: StoredRequest, body: Uint8Array | null): Promise<Accepted>;
  /** Begins to store a longer one, row by row. */
  open(request: StoredRequest): void;
  /** Stores a row of the body, at most `ROW_BYTES`. `false`: there is no such request (any more). */
  append(secret: string, row: number, bytes: Uint8Array): boolean;
  /** All `rows` are stored: puts the request on the waiting list. */
  accept(secret: string, rows: number): Promise<Accepted>;
  /** The request is not to be accepted after all. Does nothing to one that is. */
  discard(secret: string): Promise<void>;

  // ── Its pool ──

  /**
   * It is this ticket's turn. `turn`: its slot, and the lease's handle, by which the pool learns at once if the object
   * dies; `null`: the slot was lost, and the pool asks what became of the request. Called until it resolves.
   */
  turn(ticket: string, turn: Turn | null): Promise<TurnAnswer>;
  /** This ticket is off the waiting list, and will get no slot. Called until it resolves. */
  refused(ticket: string, code: SchedulerRefusal): Promise<TurnAnswer>;

  // ── Its client and operators ──

  /** `null`: no such request. */
  status(secret: string): Promise<DeferredStatus | null>;
  /** Its number on the operator's list. `null`: no such request of that pool, or none that the pool has told. */
  numberOf(secret: string, pool: string): number | null;
  /** Resolves with the state; while that is `known`, only after `holdMs`. `null`: no such request. */
  state(secret: string, known: DeferredState, holdMs: number): Promise<DeferredState | null>;
  /** The server's answer, and the first row of its body if there is one; `null`: there is no answer. */
  answer(secret: string): { answer: StoredAnswer; first: Uint8Array | null } | null;
  /** Some more of the answer's body. */
  row(secret: string, row: number): Uint8Array | null;
  /**
   * Resolves once the request has ended, or after `waitMs`. An answer that is too large to store is the caller's alone,
   * to be read from its `rest`.
   */
  untilEnded(secret: string, waitMs: number): Promise<DeferredStatus | LiveAnswer | null>;
  /**
   * `canceled`: it was waiting. `stopping`: it runs to no purpose now. `null`: no such request, or with `pool` none of
   * that pool. One that has ended is `forgotten`; without `forget` it stays as it is, and its state is told.
   */
  cancel(secret: string, pool?: string, forget?: boolean): Promise<Canceled | "forgotten" | null>;
  /** Puts a request that has failed on the waiting list again. `null`: as for `cancel`. */
  retry(secret: string, pool?: string): Promise<DeferAnswer | "not-failed" | null>;
  /** The page that waits for it was closed, or is being reloaded. */
  left(secret: string): void;
}

export type Canceled = DeferredEndState | "stopping";

/** A slot for a deferred request. */
export interface Turn {
  granted: Granted;
  /** As an argument, it arrives as a stub, which the runtime disposes if its holder dies. `null`: of another shard's slot. */
  lease: Lease | null;
  /** Which shard's slot it is; absent: the first's. */
  shard?: number;
}

/** How long a call waits, in ms, until the object has reached its pool. */
export const POOL_PATIENCE_MS = 10_000;

/** Most bytes in a row of a body. A row may have 2 MB (developers.cloudflare.com/durable-objects/platform/limits, 2026-11). */
export const ROW_BYTES = 512 * 1024;

/** A request without its body, as it came. */
export interface StoredRequest {
  secret: string;
  pool: string;
  requestId: string;
  method: string;
  target: { origin: string; host: string; path: string; pathAndQuery: string };
  headers: [name: string, value: string][];
  /** How long it may wait, with all its attempts, until the last of them begins, and is kept after its end. */
  expiresMs: number;
  keepMs: number;
  /** Most bytes of an answer that are stored. */
  mostAnswerBytes: number;
  /** See `DeferRequest.key`. */
  key: string | null;
  /** Who is told of the end; `null`: nobody. */
  webhook: string | null;
  /** See `DeferRequest`. Absent: it comes now. */
  token?: number;
  /** If a page waits for it: once that has not been seen for so long, in ms, nobody waits any more. */
  visitorMs?: number;
}

export type Accepted =
  | { code: "accepted"; status: DeferredStatus }
  | { code: "repeated"; id: string }
  | {
      code: Exclude<DeferAnswer["code"], "deferred" | "repeated"> | "unknown-request";
      message?: string | undefined;
      outlook?: Outlook | undefined;
    };

/**
 * begun    the request has got this slot, or had it
 * waiting  it has never heard of this slot, and waits for its turn; should it hear of it now, it does not take it
 * ended    it ended before it heard of this slot
 * unknown  there is no such request
 */
export type TurnAnswer = "begun" | "waiting" | "ended" | "unknown";

export interface DeferredStatus {
  id: string;
  /** Its pool, and the host that its client asked. */
  at: { pool: string; host: string };
  state: DeferredState;
  /** 1: the next in line; `null`: it does not wait. */
  place: number | null;
  startsInMs: number | null;
  acceptedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  attempts: number;
  /** When it is given up, or forgotten once it has ended. */
  expiresAt: number;
  /** Status of the server's answer; `null`: there is none. */
  answer: number | null;
  /** Instead of an answer. */
  problem: { code: RefusalCode; detail: string } | null;
  /** The address at which a page waits for it; `null`: none does. */
  pageAt: string | null;
}

/** A server's answer without its body. */
export interface StoredAnswer {
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
  /** Of the body, in rows and bytes; 0 rows: it has none. */
  rows: number;
  bytes: number;
}

/** An answer that is too large to store. */
export interface LiveAnswer {
  head: Omit<StoredAnswer, "rows" | "bytes"> & { length: number | null };
  /** To be disposed by the caller, which then counts as having left. */
  rest: LiveBody;
}

export interface LiveBody extends Rpc.RpcTargetBranded {
  /** The next piece; `null`: that was all. Rejects if the server breaks off. */
  read(): Promise<Uint8Array | null>;
}
