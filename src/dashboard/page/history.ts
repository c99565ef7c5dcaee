import type { QueueHistory } from "../../scheduler/record/queue-history.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import type { QueuePoint } from "../../words/queue-trend.ts";

export const KEPT_MS = 10 * 60_000;
/** Points closer than this become one. */
const STEP_MS = 500;

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

  addSnapshot({ queued, oldestWaitMs, drain }: Snapshot, now: number): void {
    this.#isEmpty = queued === 0;
    if (drain) this.drainedAt = now;
    this.#add(now, queued, oldestWaitMs / 1_000);
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

  /** What is known since `time`, in ms, and since the last gap. */
  pointsSince(time: number): QueuePoint[] {
    const first = this.queued.lastIndexOf(null) + 1;
    const points = this.times.slice(first).map((seconds, n) => ({
      at: seconds * 1_000,
      queued: this.queued[first + n] ?? 0,
      oldestMs: (this.oldest[first + n] ?? 0) * 1_000,
    }));
    return points.filter(({ at }) => at > time);
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
