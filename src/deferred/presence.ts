/**
 * Once its page's stream has closed, a visitor has so long, in ms, to come back: a reload closes it too. Longer than the
 * streams of further pages pause, which show that somebody is still there.
 */
const COMES_BACK_MS = 8_000;
/** An alarm that rings so long after its time, in ms, could not ring before: nor could anybody be seen. */
const LATE_MS = 5_000;

/**
 * Whether somebody's page waits for a stored request. It works as a dead man's switch: the object's alarm is set to when the
 * page would be missed, and is moved while the page is seen. So an object that is evicted in between need not remember
 * anything, and is not kept awake. Times are in ms since the epoch.
 */
export class Presence {
  readonly #forMs: number;
  /** `null`: this instance has not seen the page. */
  #missedAt: number | null = null;
  /** When the alarm rings, as far as this instance knows. */
  #alarmAt = 0;

  /** `forMs`: how long a page may be out of sight. */
  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** The page was seen. Returns when the alarm has to ring; `null`: as it does. */
  seen(now: number): number | null {
    this.#missedAt = now + this.#forMs;
    // Each time would be a write each time.
    return this.#alarmAt - now < this.#forMs / 2 ? this.#ringAt(this.#missedAt) : null;
  }

  /** The page was closed, or is being reloaded. Returns when the alarm has to ring. */
  left(now: number): number {
    this.#missedAt = now + Math.min(this.#forMs, COMES_BACK_MS);
    return this.#ringAt(this.#missedAt);
  }

  /** The alarm rings, which was set to `dueAt`. Returns when it has to ring again; `null`: nobody is there any more. */
  ring(now: number, dueAt: number): number | null {
    if (this.#missedAt === null && now - dueAt > LATE_MS) this.#missedAt = now + this.#forMs;
    return now < (this.#missedAt ?? 0) ? this.#ringAt(this.#missedAt as number) : null;
  }

  /** The alarm is set anew, whoever is there. */
  again(now: number): number {
    return this.#ringAt(now + this.#forMs);
  }

  #ringAt(at: number): number {
    this.#alarmAt = at;
    return at;
  }
}
