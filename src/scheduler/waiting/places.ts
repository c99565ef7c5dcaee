/** Places kept free behind those of an earlier instance, one for each ms that its last arrivals may be old. */
const UNTOLD_SEQS = 1_000_000;

/** Which place in the waiting list, a `seq`, a ticket gets that was told none yet. */
export class Places {
  readonly #startedAt: number;
  readonly #first: number;
  #next: number;

  /** `formerNext`: every place that earlier instances gave is below it; `null`: there was none. */
  constructor(formerNext: number | null, now: number) {
    this.#startedAt = now;
    this.#first = formerNext === null ? 0 : formerNext + UNTOLD_SEQS;
    this.#next = this.#first;
  }

  /** All places given so far are below. */
  get next(): number {
    return this.#next;
  }

  /**
   * An earlier instance may have had the ticket, and not told it its place yet (`returned`). Then it goes by the
   * time of its arrival: behind those who were told, and before all who are new.
   */
  ofArrival(waitedMs: number, now: number): { seq: number; returned: boolean } {
    const beforeMs = this.#startedAt - (now - waitedMs);
    const returned = beforeMs > 0 && this.#first > 0;
    return { seq: returned ? this.#first - Math.min(beforeMs, UNTOLD_SEQS) : this.#next, returned };
  }

  /** No later arrival gets it, or one before it. */
  taken(seq: number): void {
    this.#next = Math.max(this.#next, seq + 1);
  }
}
