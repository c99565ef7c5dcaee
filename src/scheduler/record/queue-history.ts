/** How many steps a history has at most. */
export const KEPT_STEPS = 120;
const STEP_MS = 5_000;

/** The highest values of each step of time, oldest first. The last step is still going on. */
export interface QueueHistory {
  /** When the first step began, ISO 8601 in UTC. */
  from: string;
  /** Length of a step, in ms. */
  stepMs: number;
  queued: number[];
  oldestWaitMs: number[];
}

/**
 * Records length and oldest wait of the waiting list over the last ten minutes. `note` is to be called after each
 * change, and allocates nothing; in between, nothing has to run, because the length stays and the oldest wait grows
 * with the clock.
 */
export class QueueRecord {
  /** Ring buffers: the index of a step is its number modulo `KEPT_STEPS`. */
  readonly #queued = new Float64Array(KEPT_STEPS);
  readonly #oldestMs = new Float64Array(KEPT_STEPS);
  /** Numbers of the first step and of the current one. */
  readonly #first: number;
  #current: number;
  #length = 0;
  #oldestSince: number | undefined;

  constructor(now: number) {
    this.#first = stepOf(now);
    this.#current = this.#first;
  }

  /** From `now` on, `queued` tickets wait, the oldest of them since `oldestSince`. Times are in ms since the epoch. */
  note(queued: number, oldestSince: number | undefined, now: number): void {
    this.#catchUp(now);
    this.#length = queued;
    this.#oldestSince = oldestSince;
    this.#raise(now);
  }

  read(now: number): QueueHistory {
    this.#catchUp(now);
    const first = Math.max(this.#first, this.#current - KEPT_STEPS + 1);
    const indexes = Array.from(
      { length: this.#current - first + 1 },
      (_, offset) => (first + offset) % KEPT_STEPS,
    );
    return {
      from: new Date(first * STEP_MS).toISOString(),
      stepMs: STEP_MS,
      queued: indexes.map((index) => this.#queued[index] as number),
      oldestWaitMs: indexes.map((index) => this.#oldestMs[index] as number),
    };
  }

  /** Records the state since the last change in all steps since. */
  #catchUp(now: number): void {
    const step = stepOf(now);
    // Steps from before the history need not be walked through after a long sleep.
    if (step - this.#current > KEPT_STEPS) this.#current = step - KEPT_STEPS;
    for (; this.#current < step; this.#begin(this.#current + 1)) this.#raise((this.#current + 1) * STEP_MS);
    this.#raise(now);
  }

  #begin(step: number): void {
    this.#current = step;
    this.#queued[step % KEPT_STEPS] = 0;
    this.#oldestMs[step % KEPT_STEPS] = 0;
  }

  #raise(now: number): void {
    const index = this.#current % KEPT_STEPS;
    const oldestMs = this.#oldestSince === undefined ? 0 : Math.max(0, now - this.#oldestSince);
    if (this.#length > (this.#queued[index] as number)) this.#queued[index] = this.#length;
    if (oldestMs > (this.#oldestMs[index] as number)) this.#oldestMs[index] = oldestMs;
  }
}

function stepOf(now: number): number {
  return Math.floor(now / STEP_MS);
}
