import type { Alarm, Clock } from "../link/clock.ts";

/** How long the event loop gets at least to bring what has come already. */
const LAST_CHANCE_MS = 50;

/**
 * Calls `onSilence` once nothing has been heard for `limitMs`, while `clock` runs. One alarm however often something
 * is heard: it looks at the time of the last sound when it rings. Times of a pause do not count.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  #limitMs: number;
  #heardAt = Date.now();
  #pauses = 0;
  #pausedAt = 0;
  #lastChance = false;
  #dueAt = 0;
  #stopped = false;
  #alarm: Alarm | null = null;

  constructor(clock: Clock, limitMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#checkIn(limitMs);
  }

  heard(): void {
    const now = Date.now();
    this.#heardAt = now;
    if (this.#pauses > 0) this.#pausedAt = now;
    this.#lastChance = false;
  }

  /** Heard now, and from now on another silence is too long. */
  allow(limitMs: number): void {
    this.heard();
    const shorter = limitMs < this.#limitMs;
    this.#limitMs = limitMs;
    // The alarm that is set would come too late.
    if (shorter) this.#checkIn(limitMs);
  }

  /** Until `resume` the silence is somebody else's. As often as it is paused it has to be resumed. */
  pause(): void {
    if (this.#pauses++ === 0) this.#pausedAt = Date.now();
  }

  resume(): void {
    if (--this.#pauses > 0) return;
    this.#heardAt += Date.now() - this.#pausedAt;
    this.#lastChance = false;
  }

  stop(): void {
    this.#stopped = true;
  }

  #checkIn(ms: number): void {
    this.#dueAt = Date.now() + ms;
    if (this.#alarm) this.#clock.cancel(this.#alarm);
    this.#alarm = this.#clock.set(ms, () => this.#check());
  }

  #check(): void {
    if (this.#stopped) return;
    const now = Date.now();
    const lateMs = now - this.#dueAt;
    const quietMs = (this.#pauses > 0 ? this.#pausedAt : now) - this.#heardAt;
    if (this.#pauses > 0 || quietMs < this.#limitMs) {
      this.#checkIn(Math.max(LAST_CHANCE_MS, this.#limitMs - quietMs));
    } else if (this.#lastChance && (lateMs <= LAST_CHANCE_MS || quietMs >= 2 * this.#limitMs)) {
      this.#stopped = true;
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
