import type { Clock } from "./clock.ts";

/** How long the event loop gets at least to bring what has come already. */
const LAST_CHANCE_MS = 50;

/**
 * Calls `onSilence` once nothing has been heard for `limitMs`, while `clock` runs. One alarm however often something
 * is heard: it looks at the time of the last sound when it rings.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #heardAt = Date.now();
  #listening = true;
  #lastChance = false;
  #dueAt = 0;
  #stopped = false;

  constructor(clock: Clock, limitMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#checkIn(limitMs);
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
    this.#stopped = true;
  }

  #checkIn(ms: number): void {
    this.#dueAt = Date.now() + ms;
    this.#clock.set(ms, () => this.#check());
  }

  #check(): void {
    if (this.#stopped) return;
    const now = Date.now();
    const lateMs = now - this.#dueAt;
    const quietMs = this.#listening ? now - this.#heardAt : 0;
    if (quietMs < this.#limitMs) {
      this.#checkIn(this.#limitMs - quietMs);
    } else if (this.#lastChance && (lateMs <= LAST_CHANCE_MS || quietMs >= 2 * this.#limitMs)) {
      this.#onSilence();
    } else {
      // It may be this machine that stood still, and the timer be heard before the bytes that came meanwhile. A
      // timer that is late itself says that it did, and for how long; of a machine that is late all the time the
      // server gets as long again, and no more.
      this.#lastChance = true;
      this.#checkIn(Math.max(LAST_CHANCE_MS, Math.min(lateMs, this.#limitMs)));
    }
  }
}
