import type { Env } from "../pool/env.ts";
import type { Done } from "../pool/protocol.ts";
import { poolStub } from "../pool/stub.ts";
import { untilTold } from "./until-told.ts";

/** A batch that is older was left behind by an invocation that died. */
const ABANDONED_MS = 1_000;

interface Batch {
  since: number;
  requests: Done[];
}

/**
 * What ends in this isolate while a message is being sent, by pool. Plain data: whichever request sends the message
 * sends this after it, so that what ends in one turn of the event loop costs two messages, however much it is.
 */
const batches = new Map<string, Batch>();

type PoolAddress = { name: string; locationHint: string | null };

/** Resolves when the pool has it on record, or another request has taken it along. */
export async function tellDone(env: Env, pool: PoolAddress, request: Done): Promise<void> {
  const now = Date.now();
  const batch = batches.get(pool.name);
  if (batch && now - batch.since < ABANDONED_MS) {
    batch.requests.push(request);
    return;
  }
  const followers: Batch = { since: now, requests: [] };
  batches.set(pool.name, followers);
  const first = say(env, pool, [...(batch?.requests ?? []), request]);
  await scheduler.wait(0);
  if (batches.get(pool.name) === followers) batches.delete(pool.name);
  await Promise.all([first, say(env, pool, followers.requests)]);
}

async function say(env: Env, pool: PoolAddress, requests: Done[]): Promise<void> {
  if (requests.length === 0) return;
  const leases = requests.map(({ id }) => id);
  await untilTold(pool.name, leases, () => poolStub(env, pool).done(requests));
}

/** For a message that goes to this pool anyway. Who takes it tells it, or puts it back. */
export function takeUntold(pool: string): Done[] {
  return batches.get(pool)?.requests.splice(0) ?? [];
}

/** For the next request of this isolate to tell. */
export function putBackUntold(pool: string, requests: Done[]): void {
  if (requests.length === 0) return;
  const batch = batches.get(pool);
  if (batch) batch.requests.push(...requests);
  else batches.set(pool, { since: Number.NEGATIVE_INFINITY, requests });
}
