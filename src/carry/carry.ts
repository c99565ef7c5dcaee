import { acquireLease, type Turn } from "../link/acquire.ts";
import type { Env } from "../link/env.ts";
import { backoffMs } from "../link/reach.ts";
import { attempt } from "./attempt.ts";
import type { CarriedRequest } from "./carried-request.ts";
import { TryAgain } from "./failure.ts";

/**
 * Carries a request to a server, and to another if that one fails it, as often as its pool allows; if a server is busy
 * with somebody else's, as long as the request may wait. It keeps its turn, so that it goes before all that came later.
 */
export async function carry(env: Env, carried: CarriedRequest): Promise<void> {
  const turn: Turn = { waitedMs: 0 };
  for (let failures = 0; ; ) {
    carried.trace.queued();
    const lease = await acquireLease(env, carried, turn);
    const startedAt = Date.now();
    try {
      await attempt(carried, lease, failures);
      return;
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      const { end } = error;
      const now = Date.now();
      const isBusy = end.how === "busy";
      if (isBusy) turn.waitedMs += now - startedAt;
      else failures++;
      // Of a server that is busy it is the slot that rests, not the server.
      turn.failed = { lease, end, restsUntil: isBusy ? now : now + backoffMs(failures) };
    }
  }
}
