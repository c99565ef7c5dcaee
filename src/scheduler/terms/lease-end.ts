import type { PoolConfig } from "../../config/types.ts";
import type { CheckResult } from "../fleet/checks.ts";

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

/** How long the slot stays closed, in ms: who closed the connection decides. */
export function quarantineMs(cause: CutOff, settings: PoolConfig): number {
  const { maxMs, brokenMs, cancelMs } = settings.quarantine;
  if (cause === "broken") return brokenMs;
  // The server never had the request whole; but it is we who closed the connection, and it has to hear of that.
  if (cause === "stalled" || cause === "early") return Math.max(brokenMs, cancelMs);
  // The server was told by its connection, and needs a moment to stop.
  if (settings.onClientAbort === "cancel" && cause === "client")
    return Math.max(cancelMs, settings.cooldownMs);
  return maxMs;
}

/** As long as after a request that ended in the same way; an answer of whatever kind is its end. */
export function afterCheckMs(result: CheckResult, settings: PoolConfig): number {
  if (result === "passed" || result === "failed") return settings.cooldownMs;
  return quarantineMs(result === "timeout" ? "timeout" : "broken", settings);
}

/** Whether it counts against the server's health: what a client or a Worker does never does. */
export function isFailure(cause: CutOff): boolean {
  return cause === "broken" || cause === "unreachable" || cause === "timeout";
}

/** What the client is refused with after its request was given a slot. */
export type EndRefusal = "bad-gateway" | "server-timeout" | "client-timeout";

/** `null`: there is nobody left to tell. */
export function refusalOf(cause: CutOff): EndRefusal | null {
  if (cause === "broken" || cause === "unreachable") return "bad-gateway";
  if (cause === "stalled") return "client-timeout";
  return cause === "timeout" || cause === "longest" ? "server-timeout" : null;
}
