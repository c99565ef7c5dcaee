import type { ServerSnapshot, Snapshot } from "../scheduler/snapshot.ts";

export const POOL_STATES = { running: "Running", draining: "Draining", drained: "Drained" };
export const SERVER_STATES = { ready: "ready", drain: "drain", maint: "maintenance" };

/** True if the server can get a request once it has a free slot: not taken out by an operator, and not down. */
export function takesRequests({ state, health }: Pick<ServerSnapshot, "state" | "health">): boolean {
  return state === "ready" && health !== "down";
}

/** How many servers take requests. */
export function serversInUse({ servers }: Pick<Snapshot, "servers">): number {
  return servers.filter(takesRequests).length;
}
