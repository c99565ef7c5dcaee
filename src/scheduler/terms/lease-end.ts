import type { PoolConfig } from "../../config/types.ts";

/**
 * How a request's lease ends.
 * done        the server sent its last byte; `status` is its answer's
 * unused      nothing was sent to the server; `retried`: the request waits for another slot; `served`: it had another one
 * busy        the server is busy for somebody else: the slot rests for `restMs`, and the request is retried
 * a `CutOff`  the request ended before the server's last byte. `retried`: it is retried. `clientLeft`: the client had
 *             left before, so the request counts as abandoned and not as refused. `status`: the early answer's
 */
export type LeaseEnd =
  | { how: "done"; status: number }
  | { how: "unused"; retried?: boolean; served?: boolean }
  | { how: "busy"; restMs: number }
  | { how: "early"; status: number }
  | { how: Exclude<CutOff, "early">; retried?: boolean; clientLeft?: boolean };

/**
 * Why a lease ended without its server's last byte.
 * broken       the server closed the connection
 * unreachable  the server seems not to have been reached, but it may be at work all the same
 * timeout      we closed the connection: the server was silent for too long
 * longest      we closed the connection: the request took longer than the pool allows
 * client       we closed the connection: the client left
 * stalled      we closed the connection: the client stopped in the middle of its upload
 * early        we closed the connection: the server answered before it had received the whole request
 * lost         the Worker that held the lease is gone
 * cut          we closed the connection: an operator's drain had waited for it as long as it was to
 */
export type CutOff =
  | "broken"
  | "unreachable"
  | "timeout"
  | "longest"
  | "client"
  | "stalled"
  | "early"
  | "lost"
  | "cut";

/** The end of a lease whose request was to be retried, and is not: its client has left. */
export function notRetried(end: LeaseEnd): LeaseEnd {
  if (end.how === "done" || end.how === "early") return end;
  if (end.how === "busy" || end.how === "unused") return { how: "unused" };
  return { how: end.how, clientLeft: true };
}

/** Returns how long the slot is in quarantine, in ms, which depends on who closed the connection. */
export function quarantineMs(cause: CutOff, settings: PoolConfig): number {
  const { maxMs, brokenMs, cancelMs } = settings.quarantine;
  if (cause === "broken") return brokenMs;
  // The server never received the whole request, so it is not at work on it; but it has to notice the closed
  // connection.
  if (cause === "stalled" || cause === "early") return Math.max(brokenMs, cancelMs);
  // The server has to notice the closed connection, and needs a moment to stop.
  if (settings.onClientAbort === "cancel" && cause === "client")
    return Math.max(cancelMs, settings.cooldownMs);
  return maxMs;
}

/** True if the cut counts against the server's health. What a client or a Worker did never counts. */
export function isFailure(cause: CutOff): boolean {
  return cause === "broken" || cause === "unreachable" || cause === "timeout";
}

/** The refusals that the scheduler decides on; `refusals/refusal.ts` has the statuses. */
export type SchedulerRefusal = "queue-full" | "flow-queue-full" | "queue-timeout" | "no-server" | "stopped";

/** The refusals of a request that is not even stored. */
export type DeferRefusal = "deferred-full" | "flow-queue-full" | "no-server" | "stopped";

/** The refusals of a request that already had a slot. */
export type EndRefusal = "bad-gateway" | "server-timeout" | "client-timeout" | "cut-off";

/** Returns the refusal that the client gets; `null`: none, as the client or its Worker is gone or has an answer. */
export function refusalOf(cause: CutOff): EndRefusal | null {
  if (cause === "broken" || cause === "unreachable") return "bad-gateway";
  if (cause === "stalled") return "client-timeout";
  if (cause === "cut") return "cut-off";
  return cause === "timeout" || cause === "longest" ? "server-timeout" : null;
}
