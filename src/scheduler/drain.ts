/** A drain that is on. Times are in ms since the epoch. */
export interface Drain {
  owner: string;
  /** The operator who began it. */
  by: string;
  reason: string | null;
  since: number;
  expiresAt: number;
  /** When the leases that are still held are cut off; `null`: they may take as long as they need. */
  cutAt: number | null;
  /** They were. Nothing that is still closed is waited for any longer. */
  isCut: boolean;
  /** How many they were. */
  cutLeases?: number | undefined;
  /** Requests are refused; `null`: they wait. */
  stop: Stop | null;
}

/** What a drain is that refuses requests instead of holding them. */
export interface Stop {
  /** What their clients are told; `null`: no more than that the service is stopped. */
  message: string | null;
}

export interface DrainRequest extends Claim {
  reason: string | null;
  /** `null`: after the pool's `drain_expires`, or at the drain's current end if that is later. */
  expiresAt: number | null;
  /** Absent: as it is. */
  cutAt?: number | undefined;
  /** Absent: requests wait. A message of `null` leaves that of a stop as it is. */
  stop?: Stop | undefined;
  /** Extends the drain that it claims, if that is still on. One that expired or was resumed meanwhile does not begin again, and a
   *  stop stays one. */
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

  /** True if another object of the pool decides: then none ends here by itself. */
  readonly #follows: boolean;

  /** `defaultMs`: after how long a drain without an expiry of its own expires. */
  constructor(defaultMs: number, restored: Drain | null = null, follows = false) {
    this.#follows = follows;
    this.#defaultMs = defaultMs;
    // One of an earlier version has neither.
    this.#drain = restored && { ...{ cutAt: null, isCut: false, stop: null }, ...restored };
  }

  get current(): Readonly<Drain> | null {
    return this.#drain;
  }

  /**
   * Begins a drain, or extends the one that it claims. `turned`: that was a drain and is a stop now, or the other way
   * round. `over`: there was no drain to extend. `held`: another drain is on. Nothing changes with the last two.
   */
  start(request: DrainRequest, now: number): "begun" | "turned" | "extended" | "over" | "held" {
    const before = this.#drain;
    if (before && !isSame(before, request)) return "held";
    if (!before && request.extend) return "over";
    const stop = stopOf(request, before);
    this.#drain = {
      owner: request.owner,
      by: request.by,
      reason: request.reason ?? before?.reason ?? null,
      since: before?.since ?? now,
      expiresAt: request.expiresAt ?? Math.max(now + this.#defaultMs, before?.expiresAt ?? 0),
      cutAt: before?.isCut ? before.cutAt : (request.cutAt ?? before?.cutAt ?? null),
      isCut: before?.isCut ?? false,
      ...(before?.cutLeases === undefined ? {} : { cutLeases: before.cutLeases }),
      stop,
    };
    if (!before) return "begun";
    return (before.stop === null) === (stop === null) ? "extended" : "turned";
  }

  /**
   * The pool's drain is this one, by the object that decides on it; `null`: there is none. What was cut off here is this
   * object's to know. Returns false if nothing has changed.
   */
  follow(drain: Drain | null): boolean {
    const before = this.#drain;
    const isSameDrain = drain !== null && before?.since === drain.since && isSame(before, drain);
    const { isCut, cutLeases } =
      isSameDrain && before.isCut ? before : { isCut: false, cutLeases: undefined };
    this.#drain = drain && { ...drain, isCut, ...(cutLeases === undefined ? {} : { cutLeases }) };
    return JSON.stringify(before) !== JSON.stringify(this.#drain);
  }

  /** When the drain ends by itself; `Infinity`: there is none, or that is for another object to say. */
  get expiresAt(): number {
    return this.#follows ? Number.POSITIVE_INFINITY : (this.#drain?.expiresAt ?? Number.POSITIVE_INFINITY);
  }

  /** When the cut is due; `Infinity`: there is none to come. */
  get nextCut(): number {
    const { cutAt = null, isCut = false, expiresAt = 0 } = this.#drain ?? {};
    return isCut || cutAt === null || cutAt >= expiresAt ? Number.POSITIVE_INFINITY : cutAt;
  }

  /** Returns true if the cut is due, once. A drain that expires before its cut has none, however late it is found out. */
  takeCut(now: number): boolean {
    const drain = this.#drain;
    if (!drain || this.nextCut > now || this.nextCut >= drain.expiresAt) return false;
    this.#drain = { ...drain, isCut: true };
    return true;
  }

  /** So many leases were cut off. */
  wasCut(leases: number): void {
    if (this.#drain) this.#drain = { ...this.#drain, cutLeases: leases };
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
    if (!drain || this.expiresAt > now) return null;
    this.#drain = null;
    return drain;
  }
}

function stopOf({ stop, extend }: DrainRequest, before: Drain | null): Stop | null {
  if (extend) return before?.stop ?? null;
  return stop ? { message: stop.message ?? before?.stop?.message ?? null } : null;
}

function isSame(drain: Claim, claimed: Claim): boolean {
  return drain.owner === claimed.owner && drain.by === claimed.by;
}
