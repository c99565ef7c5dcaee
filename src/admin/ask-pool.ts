import { inTime } from "../link/clock.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { isOverloaded, type PoolAddress, type PoolStub, reach } from "../link/reach.ts";
import { Refusal } from "../refusals/refusal.ts";

/** For how long a call is repeated, in ms. */
const PATIENCE_MS = 10_000;

/** The same for a client that asks many pools, or shows one. Prometheus gives up after 10 s, an operator earlier. */
const BRIEF_MS = 3_000;
/** Limit of such a call, repetitions included, for an object that never answers. */
const BRIEF_IN_ALL_MS = 3_500;

/**
 * Calls the pool's object, and repeats the call if the object restarts: every call of the admin side is idempotent.
 * `waitMs`: how long the call may wait in the object, which may restart at any moment of that. Throws
 * `pool-unavailable`.
 */
export async function askPool<T>(
  env: Env,
  pool: PoolAddress,
  call: (stub: PoolStub) => Promise<T>,
  waitMs = 0,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const givesUpAt = Date.now() + waitMs + patienceMs;
  return reach(env, pool, call, (error) => {
    if (isOverloaded(error) || Date.now() > givesUpAt) throw logUnavailable(error, pool.name);
  });
}

/** The same with little patience, for an object that never answers too. */
export async function askBriefly<T>(
  env: Env,
  pool: PoolAddress,
  call: (stub: PoolStub) => Promise<T>,
): Promise<T> {
  try {
    return await inTime(askPool(env, pool, call, 0, BRIEF_MS), BRIEF_IN_ALL_MS);
  } catch (error) {
    throw error instanceof Refusal ? error : logUnavailable(error, pool.name);
  }
}

/** Calls all of them at the same time; `null`: this pool did not answer. */
export function askEach<T>(
  env: Env,
  pools: readonly PoolAddress[],
  call: (stub: PoolStub, pool: string) => Promise<T>,
): Promise<{ name: string; answer: T | null }[]> {
  return Promise.all(
    pools.map(async (pool) => ({
      name: pool.name,
      answer: await askBriefly(env, pool, (stub) => call(stub, pool.name)).catch(() => null),
    })),
  );
}

export function unavailable(pool: string): Refusal {
  return new Refusal("pool-unavailable", "Its Durable Object does not answer at the moment.", pool);
}

function logUnavailable(error: unknown, pool: string): Refusal {
  logError(error, { pool });
  return unavailable(pool);
}
