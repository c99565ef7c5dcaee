import type { QueueHistory } from "../../scheduler/record/queue-history.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";

export const KEPT_MS = 10 * 60_000;
/** Points closer than this become one. */
const STEP_MS = 500;
const COUNTS_MS = 60_000;

/**
 * The waiting list of one pool over the last ten minutes. `null` marks a gap, in which nothing is known. Values between
 * two points are never invented.
 */
export class History {
  /** Seconds since the epoch. */
  readonly times: number[] = [];
  readonly queued: (number | null)[] = [];
  /** The oldest wait, in seconds. */
  readonly oldest: (number | null)[] = [];
  /** When a snapshot last had a drain, in ms since the epoch. */
  drainedAt = 0;
  /** True if the latest snapshot had nothing on the waiting list. */
  #isEmpty = false;
  /** The end of the pool's own record, in seconds since the epoch. */
  #recordEnd = 0;
  #counts: { at: number; refused: Record<string, number>; failed: number }[] = [];

  addSnapshot({ queued, oldestWaitMs, drain, totals, deferred }: Snapshot, now: number): void {
    this.#isEmpty = queued === 0;
    if (drain) this.drainedAt = now;
    this.#add(now, queued, oldestWaitMs / 1_000);
    this.#counts = [
      ...this.#counts.filter(({ at }) => at >= now - COUNTS_MS),
      { at: now, refused: totals.refused, failed: deferred?.failed ?? 0 },
    ];
  }

  /** Adds the record that the pool itself has kept. It replaces the points of the same time, gaps included. */
  addRecord({ from, stepMs, queued, oldestWaitMs }: QueueHistory, now: number): void {
    const start = Date.parse(from);
    // Keeps the record's points however close they are.
    this.#recordEnd = Number.POSITIVE_INFINITY;
    const before = this.times.findIndex((time) => time * 1_000 >= start);
    if (before >= 0) this.#drop(before, this.times.length - before);
    queued.forEach((count, n) => {
      const end = Math.min(start + (n + 1) * stepMs, now);
      this.#add(end, count, (oldestWaitMs[n] ?? 0) / 1_000);
    });
    this.#isEmpty = false;
    this.#recordEnd = this.times.at(-1) ?? 0;
  }

  /**
   * Continues an empty waiting list. The pool sends a snapshot each second while requests wait, and none while nothing
   * changes.
   */
  continueEmpty(now: number): void {
    if (this.#isEmpty) this.#add(now, 0, 0);
  }

  addGap(now: number): void {
    this.#isEmpty = false;
    if (typeof this.queued.at(-1) === "number") this.#add(now, null, null);
  }

  /** The first known point since `time`; all times are in ms. */
  firstSince(time: number): { at: number; queued: number } | null {
    const index = this.times.findIndex((point, n) => point * 1_000 >= time && this.queued[n] !== null);
    const [at, queued] = [this.times[index], this.queued[index]];
    return at === undefined || typeof queued !== "number" ? null : { at: at * 1_000, queued };
  }

  /** Refusals of the last minute, by code, as far as snapshots have shown them. */
  refusals(now: number): Map<string, number> {
    const first = this.#firstCounts(now)?.refused ?? {};
    const last = Object.entries(this.#counts.at(-1)?.refused ?? {});
    const rises = last.map(([code, count]) => [code, count - (first[code] ?? 0)] as const);
    // A crash of the pool's object may lose the latest counts.
    return new Map(rises.filter(([, count]) => count > 0));
  }

  /** By how many more deferred requests are failed than a minute ago, as far as snapshots have shown it. */
  failures(now: number): number {
    return Math.max(0, (this.#counts.at(-1)?.failed ?? 0) - (this.#firstCounts(now)?.failed ?? 0));
  }

  #firstCounts(now: number) {
    return this.#counts.find(({ at }) => at >= now - COUNTS_MS);
  }

  #add(now: number, queued: number | null, oldest: number | null): void {
    const last = this.times.at(-1) ?? 0;
    if (now / 1_000 < last) return;
    const isClose = now - last * 1_000 < STEP_MS && last > this.#recordEnd;
    if (isClose && queued !== null && this.queued.at(-1) !== null) this.#drop(-1, 1);
    this.times.push(now / 1_000);
    this.queued.push(queued);
    this.oldest.push(oldest);
    const old = this.times.findIndex((time) => time * 1_000 >= now - KEPT_MS);
    this.#drop(0, old);
  }

  #drop(start: number, count: number): void {
    for (const list of [this.times, this.queued, this.oldest]) list.splice(start, count);
  }
}
