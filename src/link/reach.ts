import { LONGEST_PAUSE_MS } from "../scheduler/waiting/regroup.ts";
import type { Env } from "./env.ts";

/** A fresh stub: one that has thrown stays broken, so every attempt takes its own. */
export function poolStub(env: Env, pool: { name: string; locationHint: string | null }) {
  const options = pool.locationHint ? { locationHint: pool.locationHint as DurableObjectLocationHint } : {};
  return env.POOL.getByName(pool.name, options);
}

/** The object asks for mercy: asking again would only make it worse. */
export function isOverloaded(error: unknown): boolean {
  return (error as { overloaded?: boolean } | null)?.overloaded === true;
}

const FIRST_BACKOFF_MS = 20;
const LONGEST_BACKOFF_MS = 1_000;

/**
 * The pause before attempt `attempt` (1 is the first repetition), in ms. The first is short: an object that
 * restarts is back at once. Jitter keeps a crowd from marching in step.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return jittered(attempt, LONGEST_BACKOFF_MS, random);
}

/** The same for a ticket, whose place is kept for it only so long once its pool is back. */
export function ticketBackoffMs(attempt: number, random: () => number = Math.random): number {
  return jittered(attempt, LONGEST_PAUSE_MS, random);
}

function jittered(attempt: number, longestMs: number, random: () => number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), longestMs) * (0.5 + random() / 2);
}
