import { acquireLease, type Claim } from "../link/acquire.ts";
import type { Env } from "../link/env.ts";
import { backoffMs } from "../link/reach.ts";
import { type Exchange, forward } from "./attempt.ts";
import { TryAgain } from "./retry.ts";

/**
 * Takes a request to a server, and to another if that one fails it, as often as its pool allows; if that one is busy
 * with somebody else's, as long as it may wait. It keeps its place in the order, so that it goes before all that came
 * later.
 */
export async function attempt(env: Env, exchange: Omit<Exchange, "lease" | "failures">): Promise<void> {
  const claim: Claim = { waitedMs: 0 };
  for (let failures = 0; ; ) {
    exchange.trace.queued();
    const lease = await acquireLease(env, exchange, claim);
    const startedAt = Date.now();
    try {
      await forward({ ...exchange, lease, failures });
      return;
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      const { failure } = error;
      const now = Date.now();
      const isBusy = "busyForMs" in failure;
      if (isBusy) claim.waitedMs += now - startedAt;
      else failures++;
      // Of a server that is busy it is the slot that rests, not the server.
      claim.failed = { lease, failure, restsUntil: isBusy ? now : now + backoffMs(failures) };
    }
  }
}
