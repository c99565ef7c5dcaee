/** How long the event loop gets at least to bring what has come already. */
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
  #dueAt = 0;
  #timer: ReturnType<typeof setTimeout>;

  constructor(limitMs: number, onSilence: () => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#timer = this.#checkIn(limitMs);
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

  #checkIn(ms: number): ReturnType<typeof setTimeout> {
    this.#dueAt = Date.now() + ms;
    return setTimeout(() => this.#check(), ms);
  }

  #check(): void {
    const now = Date.now();
    const lateMs = now - this.#dueAt;
    const quietMs = this.#listening ? now - this.#heardAt : 0;
    if (quietMs < this.#limitMs) {
      this.#timer = this.#checkIn(this.#limitMs - quietMs);
    } else if (this.#lastChance && (lateMs <= LAST_CHANCE_MS || quietMs >= 2 * this.#limitMs)) {
      this.#onSilence();
    } else {
      // It may be this machine that stood still, and the timer be heard before the bytes that came meanwhile. A
      // timer that is late itself says that it did, and for how long; of a machine that is late all the time the
      // server gets as long again, and no more.
      this.#lastChance = true;
      this.#timer = this.#checkIn(Math.max(LAST_CHANCE_MS, Math.min(lateMs, this.#limitMs)));
    }
  }
}
