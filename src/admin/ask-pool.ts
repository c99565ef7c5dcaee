import { inTime } from "../link/clock.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { isOverloaded, type PoolAddress, type PoolStub, reach } from "../link/reach.ts";
import { Refusal } from "../refusals/refusal.ts";

const PATIENCE_MS = 10_000;

/** For who asks many pools, or shows one as it is: Prometheus itself gives up after 10 s, an operator earlier. */
const BRIEF_MS = 3_000;
/** A question that was begun just before its time was up is not waited for as long again. */
const BRIEF_IN_ALL_MS = 3_500;

/**
 * Asks the pool's object, again if it restarts meanwhile: everything the admin side asks may be repeated. A
 * question that waits in the object for up to `waitMs` may be cut off by a restart at any moment of it.
 */
export async function askPool<T>(
  env: Env,
  pool: PoolAddress,
  question: (stub: PoolStub) => Promise<T>,
  waitMs = 0,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const givesUpAt = Date.now() + waitMs + patienceMs;
  return reach(env, pool, question, (error) => {
    if (isOverloaded(error) || Date.now() > givesUpAt) throw noted(error, pool.name);
  });
}

/** The same with little patience, also for an object that never answers. */
export async function askBriefly<T>(
  env: Env,
  pool: PoolAddress,
  question: (stub: PoolStub) => Promise<T>,
): Promise<T> {
  try {
    return await inTime(askPool(env, pool, question, 0, BRIEF_MS), BRIEF_IN_ALL_MS);
  } catch (error) {
    throw error instanceof Refusal ? error : noted(error, pool.name);
  }
}

/** Asks each, and is kept from none by the others; `null`: not reached. */
export function askEach<T>(
  env: Env,
  pools: readonly PoolAddress[],
  question: (stub: PoolStub) => Promise<T>,
): Promise<{ name: string; answer: T | null }[]> {
  return Promise.all(
    pools.map(async (pool) => ({
      name: pool.name,
      answer: await askBriefly(env, pool, question).catch(() => null),
    })),
  );
}

export function unavailable(pool: string): Refusal {
  return new Refusal("pool-unavailable", "Its Durable Object does not answer at the moment.", pool);
}

function noted(error: unknown, pool: string): Refusal {
  logError(error, { pool });
  return unavailable(pool);
}
