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
 * restarts is back at once, and gives tickets only a moment to regroup. Jitter keeps a crowd from marching
 * in step.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
  return longest * (0.5 + random() / 2);
}
