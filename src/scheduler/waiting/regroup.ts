/** The longest pause between two tries of a ticket to reach its pool: when that is back, all ask again within it. */
export const LONGEST_PAUSE_MS = 250;
/** The waiting list counts as complete when none has returned for this many of the pauses that tickets make. */
const QUIET_PAUSES = 2;
/** So long at least: they are on the way, too. */
const LEAST_QUIET_MS = 100;
/** Those who are not back by then have lost their place to those who are. */
const LONGEST_MS = 2_000;

/**
 * The moment after a restart in which nothing is dispatched, because the tickets that waited are still on
 * their way back and a late arrival must not overtake them. Each one that returns shows that others may.
 */
export class Regroup {
  readonly #latest: number;
  /** As the longest pause of those who are back says. */
  #quietMs = LEAST_QUIET_MS;
  #endsAt: number;

  /** `expected`: what the ledger shows lets think that requests were waiting. */
  constructor(startedAt: number, expected: boolean) {
    this.#latest = startedAt + LONGEST_MS;
    this.#endsAt = expected ? startedAt + QUIET_PAUSES * LONGEST_PAUSE_MS : Number.POSITIVE_INFINITY;
  }

  get active(): boolean {
    return this.#endsAt !== Number.POSITIVE_INFINITY;
  }

  /** `Infinity` while it is not active. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /**
   * A ticket came back, after a pause. After a crash all are back at once, and nobody waits longer for them than that;
   * the longer the pool was out of reach, the longer are their pauses. `true`: that is what began it.
   */
  returned(now: number, pausedMs = LONGEST_PAUSE_MS): boolean {
    // Long after the start it is one Worker that lost touch, and not all of them.
    if (now >= this.#latest) return false;
    const begins = !this.active;
    this.#quietMs = Math.max(this.#quietMs, QUIET_PAUSES * Math.min(pausedMs, LONGEST_PAUSE_MS));
    this.#endsAt = Math.min(now + this.#quietMs, this.#latest);
    return begins;
  }

  /** Ends it if its time has come. `true`: it was, now it is not. */
  end(now: number): boolean {
    if (this.#endsAt > now) return false;
    this.#endsAt = Number.POSITIVE_INFINITY;
    return true;
  }
}
