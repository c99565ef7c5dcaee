import type { Env } from "./env.ts";
import { logError } from "./log.ts";
import type { Ended, Urgency } from "./protocol.ts";
import { type PoolAddress, type PoolStub, reach } from "./reach.ts";

/** How long an end may wait, in ms, to share a message with other ends or with an `enter` that is sent anyway. */
const WAIT_MS: Record<Urgency, number> = { "at once": 0, "in a turn": 0, soon: 5 };
/** The invocation that began a batch of this age has died, and will not send it. In ms. */
const ABANDONED_MS = 1_000;
/** How long to repeat a call, in ms. The platform ends an invocation 30 s after its client disconnected. */
const REPEAT_MS = 28_000;

interface Batch {
  /** ms since the epoch. */
  since: number;
  urgency: Urgency;
  ended: Ended[];
  /** A request other than the one that began the batch has added to it. */
  shared: boolean;
}

/**
 * Ended leases of this isolate that their pool has not been told of yet, by pool. The request that began a batch sends
 * it, unless another request takes it along (`takeEnded`). Only plain data may be shared like this: the runtime forbids
 * a request to use another one's I/O.
 */
const batches = new Map<string, Batch>();

/** By pool: when a lease last ended, and whether the last batch was shared. */
const lastEnd = new Map<string, { at: number; shared: boolean }>();

/**
 * Tells the pool that a lease has ended, in one message with others where that delays nobody. Resolves when the pool
 * has recorded the end, or when another request has taken over sending it. Never rejects.
 *
 * With urgency `at once`: an end is sent at once. If another one was in the same millisecond, it also begins a batch:
 * all further ends of this turn of the event loop go in one more message. While leases end one at a time, no batch is
 * begun: a timer that gathers nothing costs a tenth of a request's CPU time (servers of 10 ms, workerd 2026-11-17).
 */
export async function tellInBatch(
  env: Env,
  pool: PoolAddress,
  ended: Ended,
  urgency: Urgency,
): Promise<void> {
  const now = Date.now();
  const batch = batches.get(pool.name);
  const isAlive = batch !== undefined && now - batch.since < ABANDONED_MS;
  if (isAlive && WAIT_MS[batch.urgency] <= WAIT_MS[urgency]) {
    batch.ended.push(ended);
    batch.shared = true;
    return;
  }
  const isUrgent = urgency === "at once";
  if (isUrgent && !batch && !expectsOthers(pool.name, now)) return tellEnded(env, pool, [ended]);
  const unsent = [...(batch?.ended.splice(0) ?? []), ended];
  const own: Batch = { since: now, urgency, ended: isUrgent ? [] : unsent, shared: false };
  batches.set(pool.name, own);
  const sending = isUrgent ? tellEnded(env, pool, unsent) : null;
  await scheduler.wait(WAIT_MS[urgency]);
  if (batches.get(pool.name) === own) batches.delete(pool.name);
  lastEnd.set(pool.name, { at: now, shared: own.shared });
  await Promise.all([sending, tellEnded(env, pool, own.ended)]);
}

/** True if another lease ended in this same millisecond, or if the last batch was shared. */
function expectsOthers(pool: string, now: number): boolean {
  const { at = 0, shared = false } = lastEnd.get(pool) ?? {};
  lastEnd.set(pool, { at: now, shared });
  return shared || at === now;
}

/**
 * Tells the pool that leases have ended, through restarts of its object. Resolves when the pool has recorded that, or
 * after `REPEAT_MS` without an answer: the leases then run out by themselves, and their slots go through quarantine.
 * Never rejects. `first`: as for `reach`.
 */
export async function tellEnded(
  env: Env,
  pool: PoolAddress,
  ended: Ended[],
  first?: PoolStub,
): Promise<void> {
  if (ended.length === 0) return;
  const givesUpAt = Date.now() + REPEAT_MS;
  const giveUpIfLate = (error: unknown) => {
    if (Date.now() > givesUpAt) throw error;
  };
  try {
    await reach(env, pool, (stub) => stub.end(ended), giveUpIfLate, { first });
  } catch (error) {
    logError(error, { pool: pool.name, leases: ended.map(({ id }) => id) });
  }
}

/** Removes the pool's unsent ends, for a message that is sent anyway. If it fails, the caller calls `tellEnded`. */
export function takeEnded(pool: string): Ended[] {
  return batches.get(pool)?.ended.splice(0) ?? [];
}
