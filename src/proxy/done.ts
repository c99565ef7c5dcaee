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
 * What has ended in this isolate and is to be told, by pool. Plain data: whichever request began a batch tells it,
 * also of the others, so that those which end in one turn of the event loop cost one message.
 */
const batches = new Map<string, Batch>();

/** Resolves when the pool has it on record, or another request has taken it along. */
export async function tellDone(
  env: Env,
  pool: { name: string; locationHint: string | null },
  request: Done,
): Promise<void> {
  const now = Date.now();
  const batch = batches.get(pool.name);
  if (batch && now - batch.since < ABANDONED_MS) {
    batch.requests.push(request);
    return;
  }
  const own: Batch = { since: now, requests: [...(batch?.requests ?? []), request] };
  batches.set(pool.name, own);
  await scheduler.wait(0);
  if (batches.get(pool.name) === own) batches.delete(pool.name);
  const { requests } = own;
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
