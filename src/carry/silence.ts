import type { Alarm, Clock } from "../link/clock.ts";

/** How long the event loop gets at least, in ms, to deliver what has already arrived. */
const GRACE_MS = 50;

/**
 * An idle timeout, of a peer that has to send or read: calls `onSilence` once, when `reset` was not called for
 * `limitMs` while `clock` runs. Pauses do not count. `reset` is cheap, because it does not touch the alarm: when that
 * rings, it compares with the time of the last reset.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  #limitMs: number;
  /** Start of the silence, later by the pauses since; ms since the epoch. */
  #silentSince = Date.now();
  #pauses = 0;
  #pausedAt = 0;
  #isInGrace = false;
  /** When the alarm should ring; ms since the epoch. */
  #dueAt = 0;
  #stopped = false;
  #alarm: Alarm | null = null;

  constructor(clock: Clock, limitMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#checkIn(limitMs);
  }

  /** The peer has sent or read something: the silence begins anew. */
  reset(): void {
    const now = Date.now();
    this.#silentSince = now;
    if (this.#pauses > 0) this.#pausedAt = now;
    this.#isInGrace = false;
  }

  resetTo(limitMs: number): void {
    this.reset();
    const isShorter = limitMs < this.#limitMs;
    this.#limitMs = limitMs;
    // The alarm that is set would ring too late.
    if (isShorter) this.#checkIn(limitMs);
  }

  /** Stops the time until `resume`, because the peer is not to blame for the silence. Pauses nest. */
  pause(): void {
    if (this.#pauses++ === 0) this.#pausedAt = Date.now();
  }

  resume(): void {
    if (--this.#pauses > 0) return;
    this.#silentSince += Date.now() - this.#pausedAt;
    this.#isInGrace = false;
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
    const silentMs = (this.#pauses > 0 ? this.#pausedAt : now) - this.#silentSince;
    if (this.#pauses > 0 || silentMs < this.#limitMs) {
      this.#checkIn(Math.max(GRACE_MS, this.#limitMs - silentMs));
    } else if (this.#isInGrace && (lateMs <= GRACE_MS || silentMs >= 2 * this.#limitMs)) {
      this.#stopped = true;
      this.#onSilence();
    } else {
      // Not the peer but this machine may have stood still, and the event loop may run this alarm before it delivers
      // bytes that arrived meanwhile. So the peer gets a grace of as long as the alarm is late. If the machine is late
      // all the time, the peer gets no more than twice its limit.
      this.#isInGrace = true;
      this.#checkIn(Math.max(GRACE_MS, Math.min(lateMs, this.#limitMs)));
    }
  }
}
