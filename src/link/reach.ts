import { LONGEST_PAUSE_MS } from "../scheduler/waiting/regroup.ts";
import type { Env } from "./env.ts";
import type { PoolCalls } from "./protocol.ts";

/** Name and location hint, by which a pool's object is found. */
export interface PoolAddress {
  name: string;
  /** A `DurableObjectLocationHint`; `null`: the platform places the object. */
  locationHint: string | null;
}

export type PoolStub = DurableObjectStub<PoolCalls>;

/** Makes a fresh stub. A stub that has thrown stays broken, so every attempt needs its own. */
export function poolStub(env: Env, pool: PoolAddress): PoolStub {
  const options = pool.locationHint ? { locationHint: pool.locationHint as DurableObjectLocationHint } : {};
  return env.POOL.getByName(pool.name, options);
}

/** One of the attempts that `reach` makes. */
export interface ReachAttempt {
  /** The pause before this attempt, in ms. */
  pausedMs: number;
  /** To be called when the object has answered but the call goes on: a later failure is a new outage. */
  resetBackoff: () => void;
}

/**
 * Calls the pool's object and repeats the call, with exponential backoff, until it succeeds. This is the only loop that
 * does so; a renewal and a watcher's look come again by themselves. `onFailure` gets each error and throws to give up;
 * `reach` then rejects with what it threw.
 *
 * `first`: the stub for the first attempt. Calls on one stub arrive in order, so this one arrives after the earlier
 * ones. `longestPauseMs`: limit of the backoff.
 */
export async function reach<T>(
  env: Env,
  pool: PoolAddress,
  call: (stub: PoolStub, attempt: ReachAttempt) => Promise<T>,
  onFailure: (error: unknown) => void,
  { first, longestPauseMs = 1_000 }: { first?: PoolStub | undefined; longestPauseMs?: number } = {},
): Promise<T> {
  let failures = 0;
  const resetBackoff = () => {
    failures = 0;
  };
  for (let stub = first, pausedMs = 0; ; stub = undefined) {
    try {
      return await call(stub ?? poolStub(env, pool), { pausedMs, resetBackoff });
    } catch (error) {
      onFailure(error);
      pausedMs = backoffMs(++failures, longestPauseMs);
      await scheduler.wait(pausedMs);
    }
  }
}

/** Backoff of a ticket: once its pool is back, the regroup waits for tickets that pause no longer than this. */
export const TICKET_PAUSE = { longestPauseMs: LONGEST_PAUSE_MS };

/** True if the object has too much to do and rejected the call before it ran. Repeating it would make that worse. */
export function isOverloaded(error: unknown): boolean {
  return (error as { overloaded?: boolean } | null)?.overloaded === true;
}

const FIRST_BACKOFF_MS = 20;

/**
 * Exponential backoff, in ms, after `failures` failures in a row. The first pause is short because an object that
 * restarts is back at once. Jitter of up to half keeps many callers from calling at the same moment.
 */
export function backoffMs(failures: number, longestMs = 1_000, random: () => number = Math.random): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), longestMs) * (0.5 + random() / 2);
}
