/** A drain that is on. Times are in ms since the epoch. */
export interface Drain {
  owner: string;
  reason: string | null;
  since: number;
  expiresAt: number;
}

export interface DrainRequest {
  owner: string;
  reason: string | null;
  /** `null`: after the pool's `drain_expires`, or at the drain's current end if that is later. */
  expiresAt: number | null;
  /** Extends a drain of this owner that is still on. One that expired or was resumed meanwhile does not begin again. */
  extend?: boolean | undefined;
}

/**
 * Whether the pool is being drained. An axis of its own: no server's state or health changes it. A drain has one owner,
 * so that two deploys cannot end each other's.
 */
export class DrainSwitch {
  readonly #defaultMs: number;
  #drain: Drain | null;

  /** `defaultMs`: after how long a drain without an expiry of its own expires. */
  constructor(defaultMs: number, restored: Drain | null = null) {
    this.#defaultMs = defaultMs;
    this.#drain = restored;
  }

  get current(): Readonly<Drain> | null {
    return this.#drain;
  }

  /**
   * Begins a drain, or extends the one of the same owner. `over`: there was no drain to extend. `held`: another owner's
   * drain is on. Nothing changes with either.
   */
  start(request: DrainRequest, now: number): "begun" | "extended" | "over" | "held" {
    const begins = this.#drain === null;
    if (this.#drain && this.#drain.owner !== request.owner) return "held";
    if (begins && request.extend) return "over";
    this.#drain = {
      owner: request.owner,
      reason: request.reason ?? this.#drain?.reason ?? null,
      since: this.#drain?.since ?? now,
      expiresAt: request.expiresAt ?? Math.max(now + this.#defaultMs, this.#drain?.expiresAt ?? 0),
    };
    return begins ? "begun" : "extended";
  }

  /** Ends the drain, if there is one. Returns false if it is another owner's and stays. `force`: end that, too. */
  resume(owner: string, force: boolean): boolean {
    if (this.#drain && this.#drain.owner !== owner && !force) return false;
    this.#drain = null;
    return true;
  }

  /** Ends the drain if it has expired. Returns true if that ended it. */
  expire(now: number): boolean {
    if (!this.#drain || this.#drain.expiresAt > now) return false;
    this.#drain = null;
    return true;
  }
}
