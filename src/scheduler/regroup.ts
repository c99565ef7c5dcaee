/** The longest pause between two tries of a ticket to reach its pool: when that is back, all ask again within it. */
export const LONGEST_PAUSE_MS = 250;
/**
 * No returning ticket for this long, and the waiting list counts as complete again. It leaves as much time for being
 * on the way as for the pause.
 */
const QUIET_MS = 2 * LONGEST_PAUSE_MS;
/** Those who are not back by then have lost their place to those who are. */
const LONGEST_MS = 2_000;

/**
 * The moment after a restart in which nothing is dispatched, because the tickets that waited are still on
 * their way back and a late arrival must not overtake them. Each one that returns shows that others may.
 */
export class Regroup {
  readonly #latest: number;
  #endsAt: number;

  /** `expected`: what the ledger shows lets think that requests were waiting. */
  constructor(startedAt: number, expected: boolean) {
    this.#latest = startedAt + LONGEST_MS;
    this.#endsAt = expected ? startedAt + QUIET_MS : Number.POSITIVE_INFINITY;
  }

  get active(): boolean {
    return this.#endsAt !== Number.POSITIVE_INFINITY;
  }

  /** `Infinity` while it is not active. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** A ticket came back. `true`: that is what began it. */
  returned(now: number): boolean {
    // Long after the start it is one Worker that lost touch, and not all of them.
    if (now >= this.#latest) return false;
    const begins = !this.active;
    this.#endsAt = Math.min(now + QUIET_MS, this.#latest);
    return begins;
  }

  /** Ends it if its time has come. `true`: it was, now it is not. */
  end(now: number): boolean {
    if (this.#endsAt > now) return false;
    this.#endsAt = Number.POSITIVE_INFINITY;
    return true;
  }
}
