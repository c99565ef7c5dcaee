import { acquireLease, type Turn } from "../link/acquire.ts";
import { backoffMs } from "../link/reach.ts";
import { attempt } from "./attempt.ts";
import type { CarriedRequest } from "./carried-request.ts";
import { TryAgain } from "./failure.ts";
import { hashKeyOf } from "./hash-key.ts";

/**
 * Carries a request to a server and its answer back to the client. Retries on another lease if the server fails the
 * request, at most `retries` times, or if the server is busy with somebody else's request, until `queue_timeout`. A
 * retry keeps the request's turn, so it goes before all requests that arrived later. Rejects with a `Refusal` or
 * `ClientLeft`, or with `ToBeDeferred` before its first slot.
 */
export async function carry(carried: CarriedRequest): Promise<void> {
  const { pool, request, target, patienceMs } = carried;
  const { flow, aheadMs } = carried.trace;
  const hashKey = hashKeyOf(pool, request.headers, target);
  const turn: Turn = {
    waitedMs: carried.waited?.ms ?? 0,
    ...(carried.waited ? { token: carried.waited.token, shard: carried.waited.shard } : {}),
    ...(hashKey === null ? {} : { hashKey }),
    ...(flow === null ? {} : { flow }),
    ...(aheadMs === 0 ? {} : { aheadMs }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  };
  for (let failures = 0; ; ) {
    carried.trace.enterQueue();
    const acquired = acquireLease(carried.env, carried, turn);
    const lease = await (pool.shards === 1 ? acquired : acquired.finally(() => noteShard(carried, turn)));
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
      // A busy answer makes its slot rest (`restMs`), not the whole server.
      turn.failed = { lease, end, restsUntil: isBusy ? now : now + backoffMs(failures) };
    }
  }
}

function noteShard({ trace }: CarriedRequest, { shard }: Turn): void {
  trace.shard = shard ?? null;
}
