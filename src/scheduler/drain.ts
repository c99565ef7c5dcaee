/** A drain that is on. Times are in ms since the epoch. */
export interface Drain {
  owner: string;
  /** The operator who began it. */
  by: string;
  reason: string | null;
  since: number;
  expiresAt: number;
}

export interface DrainRequest extends Claim {
  reason: string | null;
  /** `null`: after the pool's `drain_expires`, or at the drain's current end if that is later. */
  expiresAt: number | null;
  /** Extends the drain that it claims, if that is still on. One that expired or was resumed meanwhile does not begin again. */
  extend?: boolean | undefined;
}

/** Whose drain: an operator's, who may have several under different owners, such as two deploys. */
export interface Claim {
  owner: string;
  by: string;
}

export interface ResumeRequest extends Claim {
  force: Force;
}

/**
 * Which drains a resume ends besides the one that it claims.
 * no   none
 * own  another one of the same operator
 * any  somebody else's too
 */
export type Force = "no" | "own" | "any";

/**
 * Whether the pool is being drained. An axis of its own: no server's state or health changes it. A drain has one owner,
 * so that two deploys cannot end each other's, and one operator, so that nobody takes it over by naming its owner.
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
   * Begins a drain, or extends the one that it claims. `over`: there was no drain to extend. `held`: another drain is
   * on. Nothing changes with either.
   */
  start(request: DrainRequest, now: number): "begun" | "extended" | "over" | "held" {
    const begins = this.#drain === null;
    if (this.#drain && !isSame(this.#drain, request)) return "held";
    if (begins && request.extend) return "over";
    this.#drain = {
      owner: request.owner,
      by: request.by,
      reason: request.reason ?? this.#drain?.reason ?? null,
      since: this.#drain?.since ?? now,
      expiresAt: request.expiresAt ?? Math.max(now + this.#defaultMs, this.#drain?.expiresAt ?? 0),
    };
    return begins ? "begun" : "extended";
  }

  /** Ends the drain that is on, and returns it with how. `held`: it is another one, and stays. `null`: there is none. */
  resume(request: ResumeRequest): { drain: Drain; cause: "resumed" | "forced" } | "held" | null {
    const drain = this.#drain;
    if (!drain) return null;
    const isClaimed = isSame(drain, request);
    const mayForce = request.force === "any" || (request.force === "own" && drain.by === request.by);
    if (!isClaimed && !mayForce) return "held";
    this.#drain = null;
    return { drain, cause: isClaimed ? "resumed" : "forced" };
  }

  /** Ends the drain if it has expired, and then returns it. */
  expire(now: number): Drain | null {
    const drain = this.#drain;
    if (!drain || drain.expiresAt > now) return null;
    this.#drain = null;
    return drain;
  }
}

function isSame(drain: Claim, claimed: Claim): boolean {
  return drain.owner === claimed.owner && drain.by === claimed.by;
}
