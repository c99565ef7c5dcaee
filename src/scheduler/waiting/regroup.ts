/** Longest pause of a ticket between two tries to reach its pool, in ms: once that is back, all return within it. */
export const LONGEST_PAUSE_MS = 250;
/** So many pauses of tickets without one that returns, and the waiting list counts as complete. */
const QUIET_PAUSES = 2;
/** The shortest such time, in ms, because the calls need time as well. */
const LEAST_QUIET_MS = 100;
/** The longest regroup, in ms after the restart. A ticket that returns later may have been overtaken. */
const LONGEST_MS = 2_000;

/**
 * The time after a restart in which nothing is granted: the tickets that waited before are on their way back, and a new
 * arrival must not overtake them. Each ticket that returns prolongs it, because others may follow. Times are in ms
 * since the epoch.
 */
export class Regroup {
  readonly #deadline: number;
  /** How long to wait for another ticket, in ms: `QUIET_PAUSES` times the longest pause reported so far. */
  #quietMs = LEAST_QUIET_MS;
  #endsAt: number;

  /** `expected`: the ledger suggests that tickets were waiting. If not, the first ticket that returns begins it. */
  constructor(startedAt: number, expected: boolean) {
    this.#deadline = startedAt + LONGEST_MS;
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
   * Records that a ticket has returned, `pausedMs` after its last try. Returns true if that began the regroup. The
   * longer the pool was out of reach, the longer the tickets' pauses are, and so the regroup is; after a crash it is
   * short.
   */
  returned(now: number, pausedMs = LONGEST_PAUSE_MS): boolean {
    // Long after the restart it is a single Worker that lost touch, and no others will follow.
    if (now >= this.#deadline) return false;
    const begins = !this.active;
    this.#quietMs = Math.max(this.#quietMs, QUIET_PAUSES * Math.min(pausedMs, LONGEST_PAUSE_MS));
    this.#endsAt = Math.min(now + this.#quietMs, this.#deadline);
    return begins;
  }

  /** Ends the regroup if its time has come. Returns true if that ended it. */
  end(now: number): boolean {
    if (this.#endsAt > now) return false;
    this.#endsAt = Number.POSITIVE_INFINITY;
    return true;
  }
}
