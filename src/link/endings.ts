import type { Passed } from "../scheduler/terms/passing.ts";
import type { Env } from "./env.ts";
import { isolateId, lineOf, type Pass, perhapsLineOf } from "./line.ts";
import { logError } from "./log.ts";
import type { Ended, PassingReport, Urgency } from "./protocol.ts";
import { type PoolAddress, type PoolStub, reach } from "./reach.ts";

/** How long an end may wait, in ms, to share a message with other ends or with an `enter` that is sent anyway. */
const WAIT_MS: Record<Urgency, number> = { "at once": 0, "in a turn": 0, soon: 5 };
/** The invocation that began a batch of this age has died, and will not send it. In ms. */
const ABANDONED_MS = 1_000;
/** How long a request sees to it that others take along what is passed on, in ms. */
const LINGER_MS = 250;
/** Who has not gone on with a lease for this long after it was passed one, in ms, is presumed gone. */
const CONFIRM_MS = 200;
/** How long to repeat a call, in ms. The platform ends an invocation 30 s after its client disconnected. */
const REPEAT_MS = 28_000;

/** What the pool is to be told of the leases of this isolate. */
export interface Report {
  ended: Ended[];
  passed: Pass[];
}

interface Batch extends Report {
  /** ms since the epoch. */
  since: number;
  urgency: Urgency;
  /** A request other than the one that began the batch has added to it. */
  shared: boolean;
}

/**
 * Leases of this isolate that have ended or were passed on, and their pool has not been told of yet, by pool. The request
 * that began a batch sends it, unless another request takes it along (`takeReport`). Only plain data may be shared like
 * this: the runtime forbids a request to use another one's I/O.
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
  if (joinBatch(pool, urgency, now, (batch) => batch.ended.push(ended))) return;
  const isUrgent = urgency === "at once";
  const batch = batches.get(pool.name);
  if (isUrgent && !batch && !expectsOthers(pool.name, now)) return tellEnded(env, pool, [ended]);
  const { ended: before, passed } = takeReport(pool.name);
  const unsent = [...before, ended];
  const sending = isUrgent ? tellEnded(env, pool, unsent, { passed }) : null;
  // Those that were passed a lease and have not gone on yet.
  const left = batch?.passed.splice(0) ?? [];
  const own = isUrgent ? { ended: [], passed: left } : { ended: unsent, passed: [...passed, ...left] };
  await Promise.all([sending, sendLater(env, pool, own, urgency, now)]);
}

/**
 * Tells the pool that a lease was passed on, in one message with others: nobody waits for it. Resolves as `tellInBatch`. One
 * whose invocation does not go on with the lease, as it is gone, is passed over: the next in line gets it, or it ends.
 */
export async function tellPassed(env: Env, pool: PoolAddress, pass: Pass): Promise<void> {
  const now = Date.now();
  if (joinBatch(pool, "soon", now, (batch) => batch.passed.push(pass))) return;
  const { ended, passed } = batches.get(pool.name) ?? { ended: [], passed: [] };
  const own = { ended: ended.splice(0), passed: [...passed.splice(0), pass] };
  await sendLater(env, pool, own, "soon", now);
}

/** Adds to the batch that there is, if its request lives, and sends it soon enough. */
function joinBatch(pool: PoolAddress, urgency: Urgency, now: number, add: (batch: Batch) => void): boolean {
  const batch = batches.get(pool.name);
  if (!batch || now - batch.since >= ABANDONED_MS || WAIT_MS[batch.urgency] > WAIT_MS[urgency]) return false;
  add(batch);
  batch.shared = true;
  return true;
}

async function sendLater(
  env: Env,
  pool: PoolAddress,
  report: Report,
  urgency: Urgency,
  now: number,
): Promise<void> {
  const own: Batch = { ...report, since: now, urgency, shared: false };
  batches.set(pool.name, own);
  const sent: Promise<void>[] = [];
  for (let waitMs = WAIT_MS[urgency]; ; waitMs = WAIT_MS.soon) {
    await scheduler.wait(waitMs);
    if (isTakenAlong(own)) continue;
    sent.push(send(env, pool, own));
    if (own.passed.length === 0) break;
  }
  if (batches.get(pool.name) === own) batches.delete(pool.name);
  lastEnd.set(pool.name, { at: now, shared: own.shared });
  await Promise.all(sent);
}

/** Sends what the batch has, but for those that were passed a lease just now, and have not gone on yet. */
async function send(env: Env, pool: PoolAddress, batch: Batch): Promise<void> {
  const ended = batch.ended.splice(0);
  const passed: Pass[] = [];
  const again: Promise<void>[] = [];
  for (const pass of batch.passed.splice(0)) {
    if (pass.to.state !== "given") passed.push(pass);
    else if (Date.now() - pass.at < CONFIRM_MS) batch.passed.push(pass);
    else {
      pass.to.state = "missed";
      const before = { ...pass.lease, hop: pass.lease.hop - 1 };
      const next = lineOf(pool.name).pass(before, pass.end);
      if (next) again.push(tellPassed(env, pool, next));
      else ended.push({ id: before.id, end: pass.end, hop: before.hop });
    }
  }
  await Promise.all([tellEnded(env, pool, ended, { passed }), ...again]);
}

/** True if all that it has is new, so that others took along what was in it before: one of them may do so again. */
function isTakenAlong({ ended, passed, since }: Batch): boolean {
  const [oldest] = passed;
  const now = Date.now();
  return ended.length === 0 && !!oldest && now - oldest.at < WAIT_MS.soon && now - since < LINGER_MS;
}

/** True if another lease ended in this same millisecond, or if the last batch was shared. */
function expectsOthers(pool: string, now: number): boolean {
  const { at = 0, shared = false } = lastEnd.get(pool) ?? {};
  lastEnd.set(pool, { at: now, shared });
  return shared || at === now;
}

/**
 * Tells the pool that leases have ended, or were passed on, through restarts of its object. Resolves when the pool has
 * recorded that, or after `REPEAT_MS` without an answer: the leases then run out by themselves, and their slots go
 * through quarantine. Never rejects. `first`: as for `reach`.
 */
export async function tellEnded(
  env: Env,
  pool: PoolAddress,
  ended: Ended[],
  { passed = [], first }: { passed?: Pass[]; first?: PoolStub | undefined } = {},
): Promise<void> {
  if (ended.length === 0 && passed.length === 0) return;
  const givesUpAt = Date.now() + REPEAT_MS;
  const giveUpIfLate = (error: unknown) => {
    if (Date.now() > givesUpAt) throw error;
  };
  const line = perhapsLineOf(pool.name);
  const report = (): PassingReport => ({ isolate: isolateId(), passed: toldOf(passed) });
  const tell = (stub: PoolStub) => (line ? stub.end(ended, report()) : stub.end(ended));
  try {
    const next = await reach(env, pool, tell, giveUpIfLate, { first });
    line?.hear(next);
  } catch (error) {
    logError(error, { pool: pool.name, leases: ended.map(({ id }) => id) });
  }
}

/** What the pool is told of them. */
export function toldOf(passed: readonly Pass[]): Passed[] {
  const now = Date.now();
  return passed.map(({ lease, end, to, at }) => ({
    lease: lease.id,
    server: lease.server.name,
    hop: lease.hop,
    end,
    to: to.ticket,
    agoMs: now - at,
  }));
}

/**
 * Removes what the pool has not been told of yet, for a message that is sent anyway. If it fails, the caller calls
 * `tellEnded`. Those that were passed a lease, and have not gone on yet, stay.
 */
export function takeReport(pool: string): Report {
  const batch = batches.get(pool);
  if (!batch) return { ended: [], passed: [] };
  const passed = batch.passed;
  batch.passed = passed.filter(({ to }) => to.state === "given");
  return { ended: batch.ended.splice(0), passed: passed.filter(({ to }) => to.state !== "given") };
}
