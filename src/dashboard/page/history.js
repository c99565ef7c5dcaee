/** @import { Snapshot } from "../../scheduler/snapshot.ts" */

export const KEPT_MS = 10 * 60_000;
/** Points closer than this are one. */
const STEP_MS = 500;

/**
 * The waiting list of one pool over the last ten minutes, as far as this page has seen them. `null`: nothing is
 * known of that moment.
 */
export class History {
  /** Seconds since the epoch. @type {number[]} */
  times = [];
  /** @type {(number | null)[]} */
  queued = [];
  /** In seconds. @type {(number | null)[]} */
  oldest = [];
  /** @type {{ pool: Snapshot, at: number } | null} */
  #last = null;

  /**
   * @param {Snapshot} pool
   * @param {number} now
   */
  saw(pool, now) {
    this.#last = { pool, at: now };
    this.#add(now, pool.queued, pool.oldestWaitMs / 1_000);
  }

  /**
   * No news: while the connection holds, nothing has changed but the waiting ones' patience.
   * @param {number} now
   */
  passed(now) {
    if (!this.#last) return;
    const { pool, at } = this.#last;
    this.#add(now, pool.queued, pool.queued > 0 ? (pool.oldestWaitMs + now - at) / 1_000 : 0);
  }

  /** @param {number} now */
  lost(now) {
    if (!this.#last) return;
    this.#last = null;
    this.#add(now, null, null);
  }

  /**
   * The first moment since `time` (ms) of which it is known how many waited.
   * @param {number} time
   */
  since(time) {
    const index = this.times.findIndex((point, n) => point * 1_000 >= time && this.queued[n] !== null);
    const [at, queued] = [this.times[index], this.queued[index]];
    return at === undefined || typeof queued !== "number" ? null : { at: at * 1_000, queued };
  }

  /**
   * @param {number} now
   * @param {number | null} queued
   * @param {number | null} oldest
   */
  #add(now, queued, oldest) {
    const last = this.times.at(-1) ?? 0;
    if (now / 1_000 < last) return;
    if (now - last * 1_000 < STEP_MS && queued !== null && this.queued.at(-1) !== null) this.#drop(-1, 1);
    this.times.push(now / 1_000);
    this.queued.push(queued);
    this.oldest.push(oldest);
    const old = this.times.findIndex((time) => time * 1_000 >= now - KEPT_MS);
    this.#drop(0, old);
  }

  /**
   * @param {number} start
   * @param {number} count
   */
  #drop(start, count) {
    for (const list of [this.times, this.queued, this.oldest]) list.splice(start, count);
  }
}
