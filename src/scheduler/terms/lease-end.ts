import type { PoolConfig } from "../../config/types.ts";

/**
 * How a request's lease ends.
 * done        the server has sent its last byte, with this status
 * unused      nothing was sent to the server
 * busy        the server said that it is busy for somebody else: the slot rests, and the request comes back
 * a `CutOff`  the request ended before the server's last byte. `retried`: it will be tried again. `clientLeft`: the
 *             client had left before, so nobody was refused. `status`: the answer that came early has it
 */
export type LeaseEnd =
  | { how: "done"; status: number }
  | { how: "unused" }
  | { how: "busy"; restMs: number }
  | { how: "early"; status: number }
  | { how: Exclude<CutOff, "early">; retried?: boolean; clientLeft?: boolean };

/**
 * Why a lease ended without its server's last byte.
 * broken       the server closed the connection
 * unreachable  no connection seems to have been made; the server may be at work all the same
 * timeout      we closed it: the server was silent too long
 * longest      we closed it: the request took longer than any may
 * client       we closed it: the client left
 * stalled      we closed it: the client stopped in the middle of its upload, so the server never had the request whole
 * early        we closed it: the server had answered before it had the request whole
 * lost         the Worker that held it is gone
 */
export type CutOff =
  | "broken"
  | "unreachable"
  | "timeout"
  | "longest"
  | "client"
  | "stalled"
  | "early"
  | "lost";

/** How long the slot stays closed after the cut, in ms. It depends on who closed the connection. */
export function quarantineMs(cause: CutOff, settings: PoolConfig): number {
  const { maxMs, brokenMs, cancelMs } = settings.quarantine;
  if (cause === "broken") return brokenMs;
  // The server never had the request whole, so it is not at work; but it learns of the cut only by its connection.
  if (cause === "stalled" || cause === "early") return Math.max(brokenMs, cancelMs);
  // The server learns by its connection that the client left, and needs a moment to stop.
  if (settings.onClientAbort === "cancel" && cause === "client")
    return Math.max(cancelMs, settings.cooldownMs);
  return maxMs;
}

/** Whether it counts against the server's health: what a client or a Worker does never does. */
export function isFailure(cause: CutOff): boolean {
  return cause === "broken" || cause === "unreachable" || cause === "timeout";
}

/** Why the scheduler itself refuses a request; the names are those of the refusals' table. */
export type SchedulerRefusal = "queue-full" | "queue-timeout" | "no-server";

/** What the client is refused with after its request was given a slot. */
export type EndRefusal = "bad-gateway" | "server-timeout" | "client-timeout";

/** `null`: there is nobody left to tell. */
export function refusalOf(cause: CutOff): EndRefusal | null {
  if (cause === "broken" || cause === "unreachable") return "bad-gateway";
  if (cause === "stalled") return "client-timeout";
  return cause === "timeout" || cause === "longest" ? "server-timeout" : null;
}
