import type { ServerSnapshot, Snapshot } from "../scheduler/snapshot.ts";

export const POOL_STATES = {
  running: "Running",
  draining: "Draining",
  drained: "Drained",
  stopping: "Stopping",
  stopped: "Stopped",
};
export const SERVER_STATES = { ready: "ready", drain: "drain", maint: "maintenance" };

/**
 * True if the server can get a request once it has a free slot: not taken out by an operator, and not down. One that has
 * left the configuration and finishes its requests has no slots.
 */
export function takesRequests(
  server: Pick<ServerSnapshot, "state" | "health" | "slots" | "weight">,
): boolean {
  return !isTakenOut(server) && server.health !== "down" && server.slots > 0;
}

/** True if an operator or the configuration keeps requests from the server: a weight of 0 does so as `drain` does. */
export function isTakenOut({ state, weight }: Pick<ServerSnapshot, "state" | "weight">): boolean {
  return state !== "ready" || weight === 0;
}

/** True while its share of the requests grows, as it came up a short time ago (`slow_start`). */
export function isWarming({ warmUntil }: Pick<ServerSnapshot, "warmUntil">, now: number): boolean {
  return warmUntil !== undefined && Date.parse(warmUntil) > now;
}

/** True if nobody knows the server's health, as its pool has had no work: it is checked only while there is some. */
export function awaitsCheck(
  { state, health }: Pick<ServerSnapshot, "state" | "health">,
  { checks }: Pick<Snapshot, "checks">,
): boolean {
  return checks && health === "unchecked" && state !== "maint";
}

/** How many servers take requests. */
export function serversInUse({ servers }: Pick<Snapshot, "servers">): number {
  return servers.filter(takesRequests).length;
}

/** Words that begin a sentence, for the middle of one. */
export function inSentence(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/** `1 request`, `1,200 requests`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `1,200`. */
export function grouped(count: number): string {
  return count.toLocaleString("en-GB");
}

/** `a`, `a and b`, `a, b, c and 3 more`. */
export function listed(names: readonly string[]): string {
  const parts = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
