const KEPT = 120;
const STEP_MS = 5_000;

/** Of each step the greatest, oldest first; the last step is not over yet. */
export interface QueueHistory {
  /** When the first step began, ISO 8601. */
  from: string;
  stepMs: number;
  queued: number[];
  oldestWaitMs: number[];
}

/**
 * The waiting list of the last ten minutes. It is told after each change; between two changes nothing has to run,
 * as the length stays and the oldest wait grows with the clock. What it is told often allocates nothing.
 */
export class QueueRecord {
  /** The place of a step is its number, modulo `KEPT`. */
  readonly #queued = new Float64Array(KEPT);
  readonly #oldestMs = new Float64Array(KEPT);
  readonly #first: number;
  #last: number;
  /** Since the last change; times are ms since the epoch. */
  #length = 0;
  #oldestSince: number | undefined;

  constructor(now: number) {
    this.#first = stepOf(now);
    this.#last = this.#first;
  }

  /** From `now` on so many wait, the oldest of them since then. */
  note(queued: number, oldestSince: number | undefined, now: number): void {
    this.#catchUp(now);
    this.#length = queued;
    this.#oldestSince = oldestSince;
    this.#raise(now);
  }

  read(now: number): QueueHistory {
    this.#catchUp(now);
    const first = Math.max(this.#first, this.#last - KEPT + 1);
    const places = Array.from({ length: this.#last - first + 1 }, (_, index) => (first + index) % KEPT);
    return {
      from: new Date(first * STEP_MS).toISOString(),
      stepMs: STEP_MS,
      queued: places.map((place) => this.#queued[place] as number),
      oldestWaitMs: places.map((place) => this.#oldestMs[place] as number),
    };
  }

  /** What has been so since the last change goes into all steps since. */
  #catchUp(now: number): void {
    const current = stepOf(now);
    // Before ten minutes ago there is nothing to keep, nor to walk through after a long sleep.
    if (current - this.#last > KEPT) this.#last = current - KEPT;
    for (; this.#last < current; this.#begin(this.#last + 1)) this.#raise((this.#last + 1) * STEP_MS);
    this.#raise(now);
  }

  #begin(step: number): void {
    this.#last = step;
    this.#queued[step % KEPT] = 0;
    this.#oldestMs[step % KEPT] = 0;
  }

  #raise(now: number): void {
    const place = this.#last % KEPT;
    const oldestMs = this.#oldestSince === undefined ? 0 : Math.max(0, now - this.#oldestSince);
    if (this.#length > (this.#queued[place] as number)) this.#queued[place] = this.#length;
    if (oldestMs > (this.#oldestMs[place] as number)) this.#oldestMs[place] = oldestMs;
  }
}

function stepOf(now: number): number {
  return Math.floor(now / STEP_MS);
}
