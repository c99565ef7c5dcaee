import type { PoolConfig } from "../config/types.ts";
import { Bookings } from "./bookings.ts";
import { RateRecord } from "./record/rate.ts";
import type { DeferRefusal, SchedulerRefusal } from "./terms/lease-end.ts";

/** The longest time that a client is told, in ms. */
const LONGEST_MS = 3_600_000;
/** Of the places that come free beside what comes anyway, so many are given to refused clients: the rest is for chance. */
const GIVEN = 0.75;
/** In overload, they get this share of all places. */
const LEAST_SHARE = 1 / 20;
/** So many standard deviations of a list as long are kept free, but no more than half of it. */
const MARGIN = 4;
/** More of the servers' pace than this is a burst. */
const BURST = 2;
/** A request at a server takes as long, in ms, as long as nobody knows. */
const UNKNOWN_SERVICE_MS = 1_000;
/** Of a flow's places at its present pace, between this and so many: others' requests will come, and its own. */
const LEAST_OF_FLOW = 0.15;
const MOST_OF_FLOW = 0.5;
/** So many flows with refused requests are remembered. */
const MOST_FLOWS = 1_000;

/**
 * What a client is told at least, in ms, where nobody knows when it is worth trying again: in a drain, or without a server.
 * The same as the table of refusals says.
 */
export const LEAST_MS: Record<SchedulerRefusal | DeferRefusal, number> = {
  "queue-full": 5_000,
  "flow-queue-full": 5_000,
  "queue-timeout": 5_000,
  "deferred-full": 30_000,
  "no-server": 10_000,
  stopped: 30_000,
};

/** How fast the servers take requests. Read once a second at most. */
export interface Pace {
  /** How many slots requests can get. */
  slots: number;
  /** From a slot to the next request at it, at most; `null`: none has been completed. */
  turnMs: number | null;
}

/** The list that a client found full, or waited in too long. */
export interface Line {
  /** How many wait there. */
  waiting: number;
  /** How many may. */
  limit: number;
  /** Which share of the servers' time is for those who wait there. */
  share: number;
}

export interface Refusal {
  code: SchedulerRefusal | DeferRefusal;
  /** The flow whose list is full; `null`: it is the request's without a value. */
  flow: string | null;
  line: Line;
  /** How long a request of the same client would wait now, in ms; `null`: nobody knows. */
  estimatedWaitMs: number | null;
  /** How long it waits at most, in ms. */
  patienceMs: number;
}

/**
 * Tells refused clients when it is worth trying again: so that those who obey find room, and are served before they have
 * waited too long. Free places come at the rate at which servers take requests, less what comes anyway; each client is
 * booked for one of them (`Bookings`). Where nobody knows when places come free, clients are spread all the same.
 *
 * A refusal costs no walk over what waits: floods are refused, too. Times are in ms since the epoch.
 */
export class RetryTimes {
  readonly #maxQueuePerFlow: number;
  readonly #queueTimeoutMs: number;
  readonly #read: () => Pace;
  readonly #random: () => number;
  /** `null` until the first client is refused. */
  #bookings: Bookings | null = null;
  /** What comes anyway: requests that nobody was told to send. */
  readonly #others: RateRecord;
  #pace = { second: Number.NaN, taken: 1, others: 0, spare: Number.NaN };
  /** When the next place comes free: of stored requests, and of a flow. */
  #nextDeferred = Number.NEGATIVE_INFINITY;
  readonly #nextOfFlow = new Map<string | null, number>();

  constructor(
    { maxQueuePerFlow, queueTimeoutMs }: Pick<PoolConfig, "maxQueuePerFlow" | "queueTimeoutMs">,
    read: () => Pace,
    random: () => number,
    now: number,
  ) {
    this.#others = new RateRecord(now);
    this.#maxQueuePerFlow = maxQueuePerFlow ?? 1;
    this.#queueTimeoutMs = queueTimeoutMs;
    this.#read = read;
    this.#random = random;
  }

  /** A request has come, for the first time or not, and needs a place. */
  arrived(now: number): void {
    if (this.#bookings?.takeReturn(now)) return;
    const pace = this.#paceAt(now);
    // More cannot be what comes all the time, or there is nothing to spare anyway: one burst would pass for that.
    if (pace.others++ < BURST * pace.taken) this.#others.count(now);
  }

  /** Books a place for a client that is refused. Returns in how many ms it is to come. */
  book(refusal: Refusal, now: number): number {
    const { code, flow, line, estimatedWaitMs, patienceMs } = refusal;
    if (code === "flow-queue-full" && estimatedWaitMs !== null)
      return this.#bookOfFlow(flow, estimatedWaitMs, now);
    const most = Math.max(1, roomIn(line.limit));
    const perSecond = Math.min(most, this.#spareAt(now) * line.share);
    const servedInMs = (waitMs: number) => this.#roomInMs(refusal, waitMs, perSecond);
    if (code === "deferred-full") return this.#bookDeferred(servedInMs(patienceMs), perSecond, now);
    const ownMs = servedInMs(patienceMs);
    // It needs a moment at which few wait, and hardly a place on the list: those who ask often would take all.
    if (patienceMs === 0 || (code === "queue-timeout" && patienceMs < this.#queueTimeoutMs))
      return this.#bounded(ownMs * (1 + this.#random() / 2));
    const firstMs = servedInMs(this.#queueTimeoutMs);
    return this.#bounded(this.#booked(now).book(firstMs, perSecond, now) * 1_000 + ownMs - firstMs);
  }

  /** When the list is short enough that there is room in it, and that who waits no longer than so is served. */
  #roomInMs({ code, line, estimatedWaitMs }: Refusal, waitMs: number, perSecond: number): number {
    if (estimatedWaitMs === null) return LEAST_MS[code];
    const { waiting, limit, share } = line;
    const tooLongMs = Math.max(0, estimatedWaitMs - waitMs / 2);
    const late = (tooLongMs / 1_000) * this.#pace.taken * share;
    return (Math.max(0, waiting - (limit - roomIn(limit)), late) / perSecond) * 1_000;
  }

  #bookDeferred(firstMs: number, perSecond: number, now: number): number {
    const at = Math.max(this.#nextDeferred, now + firstMs);
    this.#nextDeferred = Math.min(at, now + LONGEST_MS) + 1_000 / perSecond;
    return this.#bounded(at - now);
  }

  #bookOfFlow(flow: string | null, estimatedWaitMs: number, now: number): number {
    const limit = this.#maxQueuePerFlow;
    const pace = ((limit + 1) * 1_000) / Math.max(1, estimatedWaitMs);
    const perSecond = Math.max(LEAST_OF_FLOW * pace, Math.min(this.#spareAt(now), MOST_OF_FLOW * pace));
    const placeMs = 1_000 / perSecond;
    const at = Math.max(
      this.#nextOfFlow.get(flow) ?? Number.NEGATIVE_INFINITY,
      now + roomIn(limit) * placeMs,
    );
    this.#nextOfFlow.delete(flow);
    this.#nextOfFlow.set(flow, Math.min(at, now + LONGEST_MS) + placeMs);
    // The one that was refused longest ago: a map keeps the order in which it was filled.
    if (this.#nextOfFlow.size > MOST_FLOWS)
      this.#nextOfFlow.delete(this.#nextOfFlow.keys().next().value ?? null);
    return this.#bounded(at - now);
  }

  #bounded(ms: number): number {
    return ms < LONGEST_MS ? ms : LONGEST_MS * (1 - this.#random() / 4);
  }

  #booked(now: number): Bookings {
    this.#bookings ??= new Bookings(now, this.#random);
    return this.#bookings;
  }

  /** Of the current second; `taken`: how many requests the servers can take in a second. */
  #paceAt(now: number): { taken: number; others: number; spare: number } {
    const second = Math.floor(now / 1_000);
    if (second === this.#pace.second) return this.#pace;
    const { slots, turnMs } = this.#read();
    // Without servers, as many will come as there were.
    const taken =
      slots === 0 ? this.#pace.taken : (slots * 1_000) / Math.max(1, turnMs ?? UNKNOWN_SERVICE_MS);
    this.#pace = { second, taken, others: 0, spare: Number.NaN };
    return this.#pace;
  }

  /** How many places come free in a second that are for refused clients. */
  #spareAt(now: number): number {
    const pace = this.#paceAt(now);
    if (Number.isNaN(pace.spare)) {
      const others = this.#others.read(now);
      const coming = others === null ? pace.taken / 2 : others.perSecond + Math.sqrt(others.variance);
      pace.spare = Math.max(pace.taken * LEAST_SHARE, pace.taken - coming) * GIVEN;
    }
    return pace.spare;
  }
}

function roomIn(limit: number): number {
  return Math.min(limit / 2, MARGIN * Math.sqrt(limit));
}
