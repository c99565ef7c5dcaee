import type { Env } from "../pool/env.ts";
import { backoffMs } from "../pool/stub.ts";
import { acquireLease, type Claim } from "./acquire.ts";
import { type Exchange, forward } from "./forward.ts";
import { TryAgain } from "./retry.ts";

/**
 * Takes a request to a server, and to another if that one's connection fails, as often as its pool allows. It
 * keeps its place in the order, so that it goes before all that came later.
 */
export async function attempt(env: Env, exchange: Omit<Exchange, "lease" | "attempt">): Promise<void> {
  const claim: Claim = { waitedMs: 0 };
  for (let attempt = 1; ; attempt++) {
    exchange.trace.queued();
    const lease = await acquireLease(env, exchange, claim);
    try {
      await forward({ ...exchange, lease, attempt });
      return;
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      claim.failed = { lease, restsUntil: Date.now() + backoffMs(attempt) };
    }
  }
}
