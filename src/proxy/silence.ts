/** How long the event loop gets to bring what has come already. */
const LAST_CHANCE_MS = 50;

/**
 * Calls `onSilence` once nothing has been heard for `limitMs`. One timer however often something is heard:
 * it looks at the time of the last sound when it fires.
 */
export class Silence {
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #heardAt = Date.now();
  #listening = true;
  #lastChance = false;
  #timer: ReturnType<typeof setTimeout>;

  constructor(limitMs: number, onSilence: () => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#timer = setTimeout(() => this.#check(), limitMs);
  }

  heard(): void {
    this.#heardAt = Date.now();
    this.#listening = true;
    this.#lastChance = false;
  }

  /** Nobody listens until `heard`: the silence is ours. */
  pause(): void {
    this.#listening = false;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    const quietMs = this.#listening ? Date.now() - this.#heardAt : 0;
    if (quietMs < this.#limitMs) {
      this.#timer = setTimeout(() => this.#check(), this.#limitMs - quietMs);
    } else if (this.#lastChance) {
      this.#onSilence();
    } else {
      // It may be this machine that stood still, and the timer be heard before the bytes that came meanwhile.
      this.#lastChance = true;
      this.#timer = setTimeout(() => this.#check(), LAST_CHANCE_MS);
    }
  }
}
