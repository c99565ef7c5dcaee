import type { DeferredStatus } from "../link/deferred-calls.ts";
import type { DeferredAddress } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { reachDeferred } from "./reach-deferred.ts";

/**
 * Longest wait of one call, in ms; a longer wait takes several. The object cannot tell that the client has left, and
 * stays awake until the call ends.
 */
const LONGEST_CALL_MS = 30_000;

/** Bounds of the pause between two looks at a request that waits, in ms, and the pause where nobody knows how long. */
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS, UNKNOWN_PAUSE_MS] = [250, 5_000, 2_000];

/**
 * Waits until the state is another one, at most `forMs`; resolves with `true` if it is. A request that runs is waited
 * for in its object, which is awake anyway. One that waits may do so for hours, and its object sleeps: the Worker looks
 * now and then, which costs a twentieth of an object that is kept awake.
 */
export async function untilStateChanges(
  env: Env,
  address: DeferredAddress,
  { state, startsInMs }: Pick<DeferredStatus, "state" | "startsInMs">,
  forMs: number,
): Promise<boolean> {
  const until = Date.now() + forMs;
  for (let leftMs = forMs; leftMs > 0; leftMs = until - Date.now()) {
    const holdMs = state === "queued" ? 0 : Math.min(leftMs, LONGEST_CALL_MS);
    if (state === "queued") await scheduler.wait(Math.min(leftMs, pauseMs(startsInMs)));
    const present = await reachDeferred(env, address, (stub, ms) => stub.state(address.secret, state, ms), {
      holdMs,
    });
    if (present !== state) return true;
  }
  return false;
}

function pauseMs(startsInMs: number | null): number {
  if (startsInMs === null) return UNKNOWN_PAUSE_MS;
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, startsInMs / 4));
}
