/**
 * @import { QueueHistory } from "../../scheduler/record/queue-history.ts"
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 */

export const KEPT_MS = 10 * 60_000;
/** Points closer than this are one. */
const STEP_MS = 500;
/** Of what was refused less is asked. */
const TOTALS_MS = 60_000;

/**
 * The waiting list of one pool over the last ten minutes, as far as it is known. `null`: nothing is known of that
 * moment. Nothing is made up: between two points there is none.
 */
export class History {
  /** Seconds since the epoch. @type {number[]} */
  times = [];
  /** @type {(number | null)[]} */
  queued = [];
  /** In seconds. @type {(number | null)[]} */
  oldest = [];
  /** When it was last seen drained, in ms since the epoch. */
  drainedAt = 0;
  /** Is nobody known to wait? */
  #empty = false;
  /** Up to here it is the pool's own, in seconds since the epoch. */
  #told = 0;
  /** @type {{ at: number, refused: Record<string, number> }[]} */
  #totals = [];

  /**
   * @param {Snapshot} pool
   * @param {number} now
   */
  saw({ queued, oldestWaitMs, drain, totals }, now) {
    this.#empty = queued === 0;
    if (drain) this.drainedAt = now;
    this.#add(now, queued, oldestWaitMs / 1_000);
    this.#totals = [
      ...this.#totals.filter(({ at }) => at >= now - TOTALS_MS),
      { at: now, refused: totals.refused },
    ];
  }

  /**
   * What the pool itself has kept goes before what was seen of the same time, gaps included.
   * @param {QueueHistory} kept
   * @param {number} now
   */
  told({ from, stepMs, queued, oldestWaitMs }, now) {
    const start = Date.parse(from);
    // However close to each other: none of them is to be lost.
    this.#told = Number.POSITIVE_INFINITY;
    const before = this.times.findIndex((time) => time * 1_000 >= start);
    if (before >= 0) this.#drop(before, this.times.length - before);
    queued.forEach((count, n) => {
      const end = Math.min(start + (n + 1) * stepMs, now);
      this.#add(end, count, (oldestWaitMs[n] ?? 0) / 1_000);
    });
    this.#empty = false;
    this.#told = this.times.at(-1) ?? 0;
  }

  /**
   * No news, though there would be: with nobody waiting nothing changes. Of those who wait there is news each second.
   * @param {number} now
   */
  passed(now) {
    if (this.#empty) this.#add(now, 0, 0);
  }

  /** @param {number} now */
  lost(now) {
    this.#empty = false;
    if (typeof this.queued.at(-1) === "number") this.#add(now, null, null);
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
   * How many were refused in the last minute, by code, as far as it was seen.
   * @param {number} now
   * @returns {Map<string, number>}
   */
  refused(now) {
    const first = this.#totals.find(({ at }) => at >= now - TOTALS_MS)?.refused ?? {};
    const last = Object.entries(this.#totals.at(-1)?.refused ?? {});
    const risen = last.map(([code, count]) => /** @type {const} */ ([code, count - (first[code] ?? 0)]));
    // What was counted last may be lost in a crash of the pool's object.
    return new Map(risen.filter(([, count]) => count > 0));
  }

  /**
   * @param {number} now
   * @param {number | null} queued
   * @param {number | null} oldest
   */
  #add(now, queued, oldest) {
    const last = this.times.at(-1) ?? 0;
    if (now / 1_000 < last) return;
    const close = now - last * 1_000 < STEP_MS && last > this.#told;
    if (close && queued !== null && this.queued.at(-1) !== null) this.#drop(-1, 1);
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
