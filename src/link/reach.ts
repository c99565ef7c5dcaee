import { LONGEST_PAUSE_MS } from "../scheduler/waiting/regroup.ts";
import type { Env } from "./env.ts";
import type { PoolCalls } from "./protocol.ts";

/** Where a pool's object is to be found. */
export interface PoolAddress {
  name: string;
  locationHint: string | null;
}

export type PoolStub = DurableObjectStub<PoolCalls>;

/** A fresh stub: one that has thrown stays broken, so every attempt takes its own. */
export function poolStub(env: Env, pool: PoolAddress): PoolStub {
  const options = pool.locationHint ? { locationHint: pool.locationHint as DurableObjectLocationHint } : {};
  return env.POOL.getByName(pool.name, options);
}

/** One call that is made again until the object answers it. */
export interface Attempt {
  /** How long was paused before this attempt, in ms. */
  pausedMs: number;
  /** The object was reached: should the rest of the call fail, that is a new outage. */
  reached: () => void;
}

/**
 * Calls the pool's object, through its restarts: the one place where a call is repeated. `onFailure` is told of each
 * failure, and throws where it is of no use to go on. `first`: a stub to make the first attempt with; what was said
 * with it before arrives before.
 */
export async function reach<T>(
  env: Env,
  pool: PoolAddress,
  call: (stub: PoolStub, attempt: Attempt) => Promise<T>,
  onFailure: (error: unknown) => void,
  { first, longestPauseMs = 1_000 }: { first?: PoolStub | undefined; longestPauseMs?: number } = {},
): Promise<T> {
  let failures = 0;
  const reached = () => {
    failures = 0;
  };
  for (let stub = first, pausedMs = 0; ; stub = undefined) {
    try {
      return await call(stub ?? poolStub(env, pool), { pausedMs, reached });
    } catch (error) {
      onFailure(error);
      pausedMs = backoffMs(++failures, longestPauseMs);
      await scheduler.wait(pausedMs);
    }
  }
}

/** For a ticket: its turn is kept for it only so long once its pool is back. */
export const TICKET_PAUSE = { longestPauseMs: LONGEST_PAUSE_MS };

/** The call was rejected before it ran, because the object has too much to do: asking again would make it worse. */
export function isOverloaded(error: unknown): boolean {
  return (error as { overloaded?: boolean } | null)?.overloaded === true;
}

const FIRST_BACKOFF_MS = 20;

/**
 * The pause after so many failures in a row, in ms. The first is short: an object that restarts is back at once. Jitter
 * keeps a crowd from marching in step.
 */
export function backoffMs(failures: number, longestMs = 1_000, random: () => number = Math.random): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), longestMs) * (0.5 + random() / 2);
}
