import { PercentileRecord, type Percentiles, type Sketch } from "./percentiles.ts";
import { type Rate, RateRecord } from "./rate.ts";
import { SteadyMean } from "./steady-mean.ts";

/** A ticket, as far as this record cares. */
interface Ticket {
  /** When it began to wait. */
  since: number;
  isRetry: boolean;
  /** `null`: of a direct request. */
  expiresAt: number | null;
}

/** How tickets of one kind come and go. */
class Rates {
  readonly arrivals: RateRecord;
  readonly grants: RateRecord;
  /** Tickets that left the waiting list without a slot. */
  readonly left: RateRecord;

  constructor(now: number) {
    this.arrivals = new RateRecord(now);
    this.grants = new RateRecord(now);
    this.left = new RateRecord(now);
  }
}

/**
 * What came and went in the last minutes. A further attempt is none of it: its request has come, and had its first slot,
 * before. Of an earlier instance of the pool nothing is known. Times are in ms since the epoch.
 */
export class Traffic {
  /** Apart, because only direct requests are limited by `max_queue`. */
  readonly #direct: Rates;
  readonly #deferred: Rates;
  readonly #waits: PercentileRecord;
  readonly #services: PercentileRecord;
  readonly #service = new SteadyMean();

  constructor(now: number) {
    this.#direct = new Rates(now);
    this.#deferred = new Rates(now);
    this.#waits = new PercentileRecord(now);
    this.#services = new PercentileRecord(now);
  }

  /** A ticket has come, though it may be refused because the list is full. */
  arrived(ticket: Ticket, now: number): void {
    this.#ratesOf(ticket).arrivals.count(now);
  }

  /** A direct request has come, and may not even wait. */
  turnedAway(now: number): void {
    this.#direct.arrivals.count(now);
    this.#direct.left.count(now);
  }

  granted(ticket: Ticket, now: number): void {
    if (ticket.isRetry) return;
    this.#ratesOf(ticket).grants.count(now);
    // A deferred request may well wait for hours, and nobody waits with it.
    if (ticket.expiresAt === null) this.#waits.note(now - ticket.since, now);
  }

  left(ticket: Ticket, now: number): void {
    if (!ticket.isRetry) this.#ratesOf(ticket).left.count(now);
  }

  served(serviceMs: number, now: number): void {
    this.#services.note(serviceMs, now);
    this.#service.note(Math.max(0, serviceMs));
  }

  /** Requests that came as direct ones are stored from now on, or the other way round. */
  kindsChanged(now: number): void {
    this.#direct.arrivals.forget(now);
    this.#deferred.arrivals.forget(now);
  }

  /** A drain is over: how much was granted in it says nothing of what will be. */
  drainEnded(now: number): void {
    this.#direct.grants.forget(now);
    this.#deferred.grants.forget(now);
  }

  /** `null`: not known for long enough. */
  arrivalsPerSecond(now: number): number | null {
    return sum(this.#direct.arrivals.read(now), this.#deferred.arrivals.read(now))?.perSecond ?? null;
  }

  /** `null`: not known for long enough. */
  grantsPerSecond(now: number): number | null {
    return sum(this.#direct.grants.read(now), this.#deferred.grants.read(now))?.perSecond ?? null;
  }

  /**
   * By how many direct requests a second the waiting list grows, if all goes on as it does; negative: it shrinks.
   * `isHalted`: nothing will be granted. `null`: not known for long enough.
   */
  growth(isHalted: boolean, now: number): Rate | null {
    const { arrivals, grants, left } = this.#direct;
    const gone = isHalted ? left.read(now) : sum(left.read(now), grants.read(now));
    return sum(arrivals.read(now), gone && { ...gone, perSecond: -gone.perSecond });
  }

  /** How long direct requests waited for their first slot. */
  waits(now: number): Percentiles | null {
    return this.#waits.read(now);
  }

  /** From a slot to the server's last byte. */
  services(now: number): Percentiles | null {
    return this.#services.read(now);
  }

  /** What `waits` and `services` go by. */
  sketches(now: number): { waits: Sketch; services: Sketch } {
    return { waits: this.#waits.sketch(now), services: this.#services.sketch(now) };
  }

  /** How long a request takes at its server, in ms, rather more than less; `null`: none has been completed. */
  get serviceAtMostMs(): number | null {
    return this.#service.atMost;
  }

  /** From then on all of it is the same, unless something happens. */
  get settlesAt(): number {
    const rates = [this.#direct, this.#deferred].flatMap(({ arrivals, grants, left }) => [
      arrivals,
      grants,
      left,
    ]);
    return Math.max(...[...rates, this.#waits, this.#services].map(({ settlesAt }) => settlesAt));
  }

  #ratesOf({ expiresAt }: Ticket): Rates {
    return expiresAt === null ? this.#direct : this.#deferred;
  }
}

function sum(a: Rate | null, b: Rate | null): Rate | null {
  return a && b && { perSecond: a.perSecond + b.perSecond, variance: a.variance + b.variance };
}
