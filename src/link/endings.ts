import type { Env } from "./env.ts";
import type { Done } from "./protocol.ts";
import { poolStub } from "./reach.ts";
import { untilTold } from "./until-told.ts";

/** A batch that is older was left behind by an invocation that died. */
const ABANDONED_MS = 1_000;

interface Batch {
  since: number;
  when: When;
  requests: Done[];
  /** Somebody relied on it beside the request that began it. */
  shared: boolean;
}

/** How soon the pool is to know: at once if somebody may wait for the slot; else there may be others to go with. */
export type When = keyof typeof WAIT_MS;

/** How long others are waited for, or a message that goes to the pool anyway. */
const WAIT_MS = { "at once": 0, "in a turn": 0, soon: 5 };

/**
 * What has ended in this isolate and is about to be told, by pool. Plain data: the request that began the batch tells
 * it, unless another one takes it along.
 */
const batches = new Map<string, Batch>();

/** When something last ended, by pool, and whether the last batch was shared. */
const lately = new Map<string, { at: number; shared: boolean }>();

type PoolAddress = { name: string; locationHint: string | null };

/**
 * Resolves when the pool has it on record, or another request has taken it along. What is to be told at once is, or
 * goes with what is told at the end of this turn of the event loop anyway; when a second one ends in the same turn,
 * all that end in it after that follow in one message more.
 * Where they end one by one nobody is waited for: a timer that brings nobody takes a tenth of a request's CPU time
 * (in front of servers of 10 ms, workerd 2026-11-17).
 */
export async function tellDone(env: Env, pool: PoolAddress, request: Done, when: When): Promise<void> {
  const now = Date.now();
  const batch = batches.get(pool.name);
  const taken = batch !== undefined && now - batch.since < ABANDONED_MS;
  if (taken && WAIT_MS[batch.when] <= WAIT_MS[when]) {
    batch.requests.push(request);
    batch.shared = true;
    return;
  }
  if (when === "at once" && !batch && !expectsOthers(pool.name, now)) return tellAll(env, pool, [request]);
  const all = [...(batch?.requests.splice(0) ?? []), request];
  const atOnce = when === "at once";
  const own: Batch = { since: now, when, requests: atOnce ? [] : all, shared: false };
  batches.set(pool.name, own);
  const first = atOnce ? tellAll(env, pool, all) : null;
  await scheduler.wait(WAIT_MS[when]);
  if (batches.get(pool.name) === own) batches.delete(pool.name);
  lately.set(pool.name, { at: now, shared: own.shared });
  await Promise.all([first, tellAll(env, pool, own.requests)]);
}

/** Another has ended in this very millisecond, or one did when it was last waited for. */
function expectsOthers(pool: string, now: number): boolean {
  const { at = 0, shared = false } = lately.get(pool) ?? {};
  lately.set(pool, { at: now, shared });
  return shared || at === now;
}

/** Resolves when the pool has all of it on record, or has not been reached for too long. */
export async function tellAll(env: Env, pool: PoolAddress, requests: Done[]): Promise<void> {
  if (requests.length === 0) return;
  const leases = requests.map(({ id }) => id);
  await untilTold(pool.name, leases, () => poolStub(env, pool).done(requests));
}

/** For a message that goes to this pool anyway. Who takes it tells it, with that message or by `tellAll`. */
export function takeUntold(pool: string): Done[] {
  return batches.get(pool)?.requests.splice(0) ?? [];
}
