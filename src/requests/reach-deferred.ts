import type { Canceled } from "../link/deferred-calls.ts";
import { type DeferredAddress, type DeferredStub, deferredStub } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { backoffMs, isOverloaded } from "../link/reach.ts";
import { Refusal } from "../refusals/refusal.ts";

/** How long a call is repeated, in ms, while the object is out of reach. */
const PATIENCE_MS = 10_000;
/** A call that has taken so long, in ms, had reached the object: it waited for something. */
const REACHED_MS = 1_000;
/** Within `PATIENCE_MS` there are about half as many. */
const MOST_FAILURES = 30;

export function unreachable(): Refusal {
  return new Refusal("pool-unavailable", "The stored request cannot be reached at the moment.");
}

/**
 * Calls a deferred request's object, and repeats the call if the object restarts: every call of it is idempotent.
 * Throws `pool-unavailable`. `locationHint`: where the object is to be, if this is its first call.
 */
export async function reachDeferred<T>(
  env: Env,
  address: DeferredAddress,
  call: (stub: DeferredStub) => Promise<T>,
  locationHint: string | null = null,
): Promise<T> {
  let givesUpAt = Date.now() + PATIENCE_MS;
  for (let failures = 1; ; failures++) {
    const calledAt = Date.now();
    try {
      return await call(deferredStub(env, address, locationHint));
    } catch (error) {
      const now = Date.now();
      if (now - calledAt > REACHED_MS) givesUpAt = now + PATIENCE_MS;
      if (isOverloaded(error) || now > givesUpAt || failures >= MOST_FAILURES) {
        logError(error, { deferred: true });
        throw unreachable();
      }
      await scheduler.wait(backoffMs(failures));
    }
  }
}

/** `DeferredCalls.cancel`. That the request is gone may be the work of an earlier call, whose answer was lost. */
export async function cancelRequest(
  env: Env,
  address: DeferredAddress,
  { pool, forget = true }: { pool?: string; forget?: boolean } = {},
): Promise<Canceled | "forgotten" | null> {
  let calls = 0;
  const done = await reachDeferred(env, address, (stub) => {
    calls++;
    return stub.cancel(address.secret, pool, forget);
  });
  return done ?? (calls > 1 && forget ? "forgotten" : null);
}
