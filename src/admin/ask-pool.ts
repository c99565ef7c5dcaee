import type { Env } from "../pool/env.ts";
import type { Pool } from "../pool/pool.ts";
import { backoffMs, isOverloaded, poolStub } from "../pool/stub.ts";
import { Refusal } from "../refusals/refusal.ts";

const PATIENCE_MS = 10_000;

/**
 * Asks the pool's object, again if it restarts meanwhile: everything the admin side asks may be repeated. A
 * question that waits in the object for up to `waitMs` may be cut off by a restart at any moment of it.
 */
export async function askPool<T>(
  env: Env,
  pool: { name: string; locationHint: string | null },
  question: (stub: DurableObjectStub<Pool>) => Promise<T>,
  waitMs = 0,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  for (let attempt = 1, givesUpAt = Date.now() + waitMs + patienceMs; ; attempt++) {
    try {
      return await question(poolStub(env, pool));
    } catch (error) {
      if (isOverloaded(error) || Date.now() > givesUpAt) {
        console.error(JSON.stringify({ pool: pool.name, error: String(error) }));
        throw new Refusal("pool-unavailable", "The pool cannot be reached at the moment.", pool.name);
      }
      await scheduler.wait(backoffMs(attempt));
    }
  }
}
