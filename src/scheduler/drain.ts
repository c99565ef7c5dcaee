/** Who paused the pool, and until when. Times are milliseconds since the epoch. */
export interface Drain {
  owner: string;
  reason: string | null;
  since: number;
  expiresAt: number;
}

export interface DrainRequest {
  owner: string;
  reason: string | null;
  /** `null`: after the usual time, or when it would have ended anyway if that is later. */
  expiresAt: number | null;
  /** Only if this owner's drain is still on: what ran out or was resumed meanwhile does not begin anew. */
  extend?: boolean | undefined;
}

/**
 * Whether the pool dispatches, an axis of its own: a server's state or health never touches it. One owner at a
 * time, so that two deploys cannot end each other's drain.
 */
export class DrainSwitch {
  readonly #usualMs: number;
  #drain: Drain | null;

  /** `usualMs`: how long a drain lasts unless it says so itself. */
  constructor(usualMs: number, restored: Drain | null = null) {
    this.#usualMs = usualMs;
    this.#drain = restored;
  }

  get current(): Readonly<Drain> | null {
    return this.#drain;
  }

  /** Begins a drain, or extends the one this owner holds. `held`: somebody else holds one. */
  start(request: DrainRequest, now: number): "begun" | "extended" | "over" | "held" {
    const begins = this.#drain === null;
    if (this.#drain && this.#drain.owner !== request.owner) return "held";
    if (begins && request.extend) return "over";
    this.#drain = {
      owner: request.owner,
      reason: request.reason ?? this.#drain?.reason ?? null,
      since: this.#drain?.since ?? now,
      expiresAt: request.expiresAt ?? Math.max(now + this.#usualMs, this.#drain?.expiresAt ?? 0),
    };
    return begins ? "begun" : "extended";
  }

  /** Ends the drain; harmless when there is none. `false`: somebody else holds it. */
  resume(owner: string, force: boolean): boolean {
    if (this.#drain && this.#drain.owner !== owner && !force) return false;
    this.#drain = null;
    return true;
  }

  /** Ends a drain that nobody resumed in time. */
  expire(now: number): boolean {
    if (!this.#drain || this.#drain.expiresAt > now) return false;
    this.#drain = null;
    return true;
  }
}
