/** The last time that the pool asked for servers. */
export interface WakeRecord {
  /** In ms since the epoch. */
  at: number;
  /** What came of it, in words; `null`: nothing yet. */
  got: string | null;
}

/**
 * When the pool asks for servers, because requests have none. Each call is on record before it is made, so that an object
 * that crashes again and again makes no more of them.
 */
export class Wake {
  readonly #everyMs: number | null;
  #last: WakeRecord | null;
  #isAsking = false;

  /** `everyMs`: how long from one call to the next at least; `null`: there is nobody to ask. */
  constructor(everyMs: number | null, restored: WakeRecord | null, now: number) {
    this.#everyMs = everyMs;
    // A clock may have been set back.
    this.#last = restored && { ...restored, at: Math.min(restored.at, now) };
  }

  get last(): Readonly<WakeRecord> | null {
    return this.#last;
  }

  /** When the next call may be made; `Infinity`: never, or only after the answer to the last. */
  get nextAt(): number {
    if (this.#everyMs === null || this.#isAsking) return Number.POSITIVE_INFINITY;
    return this.#last ? this.#last.at + this.#everyMs : Number.NEGATIVE_INFINITY;
  }

  /** Returns true if the call is to be made now. */
  ask(now: number): boolean {
    if (this.nextAt > now) return false;
    this.#last = { at: now, got: null };
    this.#isAsking = true;
    return true;
  }

  answered(got: string): void {
    this.#isAsking = false;
    if (this.#last) this.#last = { ...this.#last, got };
  }
}
