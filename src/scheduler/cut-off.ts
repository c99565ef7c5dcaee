import type { PoolConfig } from "../config/types.ts";

/**
 * Why a lease ended without its server's last byte.
 * broken   the server closed the connection
 * timeout  we closed it: the server was silent too long
 * client   we closed it: the client left
 * lost     the Worker that held it is gone
 */
export type CutOff = "broken" | "timeout" | "client" | "lost";

/** How long the slot stays closed, in ms: who closed the connection decides. */
export function quarantineMs(cause: CutOff, settings: PoolConfig): number {
  if (cause === "broken") return settings.quarantine.brokenMs;
  // `cancel` closes the server's connection together with the client's: the server is told, that is enough.
  if (settings.onClientAbort === "cancel" && cause === "client") return 0;
  return settings.quarantine.maxMs;
}

/** What the client is refused with after its request was given a slot. */
export type EndRefusal = "bad-gateway" | "server-timeout";

/** `null`: there is nobody left to tell. */
export function refusalOf(cause: CutOff): EndRefusal | null {
  if (cause === "broken") return "bad-gateway";
  return cause === "timeout" ? "server-timeout" : null;
}
