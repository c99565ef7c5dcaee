import type { Env } from "./env.ts";
import { logError } from "./log.ts";
import type { Ended, Urgency } from "./protocol.ts";
import { type PoolAddress, type PoolStub, reach } from "./reach.ts";

/** How long others are waited for, or a message that goes to the pool anyway. */
const WAIT_MS: Record<Urgency, number> = { "at once": 0, "in a turn": 0, soon: 5 };
/** A batch that is older was left behind by an invocation that died. */
const ABANDONED_MS = 1_000;
/** The platform ends an invocation this long after its client left; trying on past that is of no use. */
const TRIES_MS = 28_000;

interface Batch {
  since: number;
  urgency: Urgency;
  ended: Ended[];
  /** Another request relied on it beside the one that began it. */
  shared: boolean;
}

/**
 * Leases that have ended in this isolate and are about to be told, by pool. Plain data: the request that began the
 * batch tells it, unless another one takes it along.
 */
const batches = new Map<string, Batch>();

/** When a lease last ended, by pool, and whether the last batch was shared. */
const lately = new Map<string, { at: number; shared: boolean }>();

/**
 * Tells the pool that a lease has ended, together with others if that costs nobody time. Resolves when the pool has it
 * on record, or another request has taken it along.
 *
 * The first of a turn of the event loop is told at once; when a second one ends in the same turn, all that end in it
 * after that follow in one more message. Where they end one by one nobody is waited for: a timer that brings nobody
 * takes a tenth of a request's CPU time (in front of servers of 10 ms, workerd 2026-11-17).
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
  const atOnce = urgency === "at once";
  if (atOnce && !batch && !expectsOthers(pool.name, now)) return tellEnded(env, pool, [ended]);
  const all = [...(batch?.ended.splice(0) ?? []), ended];
  const own: Batch = { since: now, urgency, ended: atOnce ? [] : all, shared: false };
  batches.set(pool.name, own);
  const first = atOnce ? tellEnded(env, pool, all) : null;
  await scheduler.wait(WAIT_MS[urgency]);
  if (batches.get(pool.name) === own) batches.delete(pool.name);
  lately.set(pool.name, { at: now, shared: own.shared });
  await Promise.all([first, tellEnded(env, pool, own.ended)]);
}

/** Another has ended in this very millisecond, or one did when it was last waited for. */
function expectsOthers(pool: string, now: number): boolean {
  const { at = 0, shared = false } = lately.get(pool) ?? {};
  lately.set(pool, { at: now, shared });
  return shared || at === now;
}

/**
 * Tells the pool that leases have ended, through restarts of its object. Resolves when it has that on record, or has
 * not been reached for too long: the leases then run out by themselves, and their slots go through quarantine. Never
 * rejects. `first`: as for `reach`.
 */
export async function tellEnded(
  env: Env,
  pool: PoolAddress,
  ended: Ended[],
  first?: PoolStub,
): Promise<void> {
  if (ended.length === 0) return;
  const givesUpAt = Date.now() + TRIES_MS;
  const giveUpIfLate = (error: unknown) => {
    if (Date.now() > givesUpAt) throw error;
  };
  try {
    await reach(env, pool, (stub) => stub.end(ended), giveUpIfLate, { first });
  } catch (error) {
    logError(error, { pool: pool.name, leases: ended.map(({ id }) => id) });
  }
}

/** For a message that goes to this pool anyway. Whoever takes them tells them, with that message or by `tellEnded`. */
export function takeEnded(pool: string): Ended[] {
  return batches.get(pool)?.ended.splice(0) ?? [];
}
