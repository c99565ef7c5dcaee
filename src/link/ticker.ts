/** `setTimeout` takes no more than a signed 32-bit number of ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Wakes the pool while it is in memory, or a request while it is carried: the precise clock. It is only ever moved
 * forward, so that thousands of leases a second do not set and clear a timer each; waking up with nothing to do is
 * harmless.
 */
export class Ticker {
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #at = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  wakeBy(at: number, now: number): void {
    if (at >= this.#at) return;
    this.stop();
    this.#at = at;
    const delay = Math.min(Math.max(0, at - now), LONGEST_TIMEOUT_MS);
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#wake();
    }, delay);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#at = Number.POSITIVE_INFINITY;
  }
}
