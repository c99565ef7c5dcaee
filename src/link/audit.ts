import type { RefusalCode } from "../refusals/refusal.ts";
import type { ServerState } from "../scheduler/terms/rows.ts";
import type { Act } from "./act.ts";

export const CHANGES = [
  "drain",
  "stop",
  "resume",
  "change-server",
  "register-server",
  "remove-server",
  "free-slot",
  "cancel-deferred",
  "retry-deferred",
] as const;

/**
 * What came of it.
 * done     as it was asked for
 * nothing  there was nothing to do: no drain to extend or to end
 * else     the refusal's code
 */
export const AUDIT_ANSWERS = [
  "done",
  "nothing",
  "drain-held",
  "forbidden",
  "state-changed",
  "unknown-server",
  "server-known",
  "registration-refused",
  "registration-full",
  "unknown-lease",
  "unknown-request",
  "already-ended",
  "not-failed",
  "deferred-full",
  "flow-queue-full",
  "no-server",
  "stopped",
  "idempotency-mismatch",
  "pool-unavailable",
] as const satisfies readonly (RefusalCode | "done" | "nothing")[];

export type AuditAnswer = (typeof AUDIT_ANSWERS)[number];

/** What an operator asked for. What is absent was not asked for. */
export interface Asked {
  act: (typeof CHANGES)[number];
  /** Of the drain, or of the server's state. */
  owner?: string | undefined;
  reason?: string | undefined;
  /** Of a stop. */
  message?: string | undefined;
  /** After how long the drain ends by itself, or the server leaves that does not register again, in ms. */
  expiresMs?: number | undefined;
  /** After how long the leases that are still held are cut off, in ms. */
  cutMs?: number | undefined;
  /** The drain that is on was to be extended, and none to be begun. */
  extend?: true | undefined;
  /** The drain was to be ended whosever it is. */
  force?: true | undefined;
  server?: string | undefined;
  state?: ServerState | undefined;
  /** `null`: as the configuration says. */
  slots?: number | null | undefined;
  weight?: number | null | undefined;
  /** Of a server that registers. */
  url?: string | undefined;
  /** The server was to be changed only in this state. */
  ifState?: ServerState | undefined;
  lease?: string | undefined;
  /** Of a deferred request, on the operator's list. Never its id, with which anybody could read the answer. */
  number?: number | undefined;
  /** A deferred request that has ended was to be forgotten. */
  forget?: true | undefined;
}

/** A change of a pool by an operator, or the attempt. Instants are ISO 8601 in UTC. */
export interface AuditEntry extends Omit<Act, "id">, Asked {
  /** Rises by one with each entry of the pool, through restarts. */
  id: number;
  at: string;
  answer: AuditAnswer;
  /** Where the same was asked for several times in a row: how often between `at` and `until`. */
  count?: number | undefined;
  until?: string | undefined;
}

export interface AuditQuery {
  limit: number;
  /** Only entries of before this instant (ms since the epoch), or of that instant and with a smaller id. */
  before: { at: number; id: number } | null;
}
