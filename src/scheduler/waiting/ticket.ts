import type { FailedServer, Retry } from "./failed-server.ts";

/** A request that wants a slot, as it asks for one. */
export interface TicketRequest {
  /** The lease that it is granted has the same id. */
  id: string;
  /** What it was told while it waited, or with a lease: with it, the ticket keeps its turn when it asks again. */
  token?: number;
  /** How long it has waited so far, in ms. */
  waitedMs?: number;
  /** How long it has paused, in ms, since it last tried to reach the pool: those beside it are back as soon. */
  pausedMs?: number;
  retry?: Retry;
}

/** A request that waits. Times are milliseconds since the epoch. */
export interface Ticket {
  readonly id: string;
  /** Says when it first arrived; kept through restarts of the pool. Only the waiting list makes anything of it. */
  readonly token: number;
  readonly since: number;
  /** It had a slot before. */
  readonly isRetry: boolean;
  /** The server of its last attempt; `null`: there was none. */
  readonly failed: FailedServer | null;
  /** It waits no more. */
  left: boolean;
}
