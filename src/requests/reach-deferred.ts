import { inTime } from "../link/clock.ts";
import { type Canceled, POOL_PATIENCE_MS } from "../link/deferred-calls.ts";
import { type DeferredAddress, type DeferredStub, deferredStub } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { backoffMs, isOverloaded } from "../link/reach.ts";
import { Refusal } from "../refusals/refusal.ts";

/** How long a call is repeated, in ms, while the object is out of reach. */
const PATIENCE_MS = 10_000;

export function unreachable(): Refusal {
  return new Refusal("pool-unavailable", "The stored request cannot be reached at the moment.");
}

interface ReachOptions {
  /** Where the object is to be, if this is its first call. */
  locationHint?: string | null;
  /** How long the call itself may wait for something, in ms. */
  holdMs?: number;
}

/**
 * Calls a deferred request's object, and repeats the call if the object restarts: every call of it is idempotent.
 * `call` is told what is left of `holdMs`. Throws `pool-unavailable`, at the latest `PATIENCE_MS` after `holdMs`: a time
 * that each failure set anew would never come while the object answers nobody.
 */
export async function reachDeferred<T>(
  env: Env,
  address: DeferredAddress,
  call: (stub: DeferredStub, holdMs: number) => Promise<T>,
  { locationHint = null, holdMs = 0 }: ReachOptions = {},
): Promise<T> {
  const holdsUntil = Date.now() + holdMs;
  const givesUpAt = holdsUntil + PATIENCE_MS;
  for (let failures = 1; ; failures++) {
    const now = Date.now();
    try {
      const answer = call(deferredStub(env, address, locationHint), Math.max(0, holdsUntil - now));
      return await inTime(answer, givesUpAt - now);
    } catch (error) {
      const pauseMs = backoffMs(failures);
      if (isOverloaded(error) || Date.now() + pauseMs >= givesUpAt) {
        logError(error, { deferred: true });
        throw unreachable();
      }
      await scheduler.wait(pauseMs);
    }
  }
}

/** The page that waits for it is gone. Never rejects: the object misses the page in any case. */
export async function tellLeft(env: Env, address: DeferredAddress): Promise<void> {
  await deferredStub(env, address)
    .left(address.secret)
    .catch(() => {});
}

/** `DeferredCalls.cancel`. That the request is gone may be the work of an earlier call, whose answer was lost. */
export async function cancelRequest(
  env: Env,
  address: DeferredAddress,
  { pool, forget = true }: { pool?: string; forget?: boolean } = {},
): Promise<Canceled | "forgotten" | null> {
  let calls = 0;
  const cancel = (stub: DeferredStub) => {
    calls++;
    return stub.cancel(address.secret, pool, forget);
  };
  const done = await reachDeferred(env, address, cancel, { holdMs: POOL_PATIENCE_MS });
  return done ?? (calls > 1 && forget ? "forgotten" : null);
}
