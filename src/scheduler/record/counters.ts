import type { DeferRefusal, EndRefusal, SchedulerRefusal } from "../terms/lease-end.ts";

/**
 * Counts since the pool was created, as a snapshot shows them. Invariant: accepted = completed + abandoned + refused
 * after acceptance + still waiting or in flight.
 */
export interface Totals {
  accepted: number;
  completed: number;
  /** By the refusal's code. */
  refused: Record<string, number>;
  /** Attempts that were followed by another. */
  retried: number;
  abandoned: number;
  /** Requests that went to a server without a slot (`free_paths`); in none of the others but `refused`. */
  free: number;
  /** Leases that were passed on from one request to the next within an isolate of the Worker. */
  passedOn: number;
}

/** All that is counted, as the ledger keeps it. */
export interface Counts extends Totals {
  /** Completed requests by class of status, such as `2xx`. */
  answered: Record<string, number>;
  /** Drains that have begun. */
  drains: number;
  /** Times from a request's arrival to its first slot. */
  waits: Histogram;
  servers: ServerCounts[];
  /**
   * The highest `abandoned` that a scrape has reported. `abandoned` itself falls when a holder that was presumed lost
   * is alive, but a Prometheus counter must never fall.
   */
  abandonedTold: number;
}

export interface ServerCounts {
  name: string;
  /** Attempts at this server that were followed by another. */
  retried: number;
  /** Times from a request's grant to its server's last byte. */
  service: Histogram;
}

export type CountedRefusal = SchedulerRefusal | DeferRefusal | EndRefusal;

/** Counts what becomes of requests. That costs a few additions each; memory grows only with the number of servers. */
export class Counters {
  readonly #totals: Totals;
  readonly #answered: Record<string, number>;
  readonly #waits: Histogram;
  readonly #servers: Map<string, ServerCounts>;
  #drains: number;
  #abandonedTold: number;
  #meanServiceMs: number | null = null;

  constructor(stored: Partial<Counts> = {}) {
    const { accepted = 0, completed = 0, refused = {}, retried = 0, abandoned = 0 } = stored;
    const { free = 0, passedOn = 0 } = stored;
    this.#totals = { accepted, completed, refused: { ...refused }, retried, abandoned, free, passedOn };
    this.#answered = { ...stored.answered };
    this.#waits = storedHistogram(stored.waits);
    this.#servers = new Map(
      stored.servers?.map((counts) => [counts.name, { ...counts, service: storedHistogram(counts.service) }]),
    );
    this.#drains = stored.drains ?? 0;
    this.#abandonedTold = stored.abandonedTold ?? 0;
    for (const { service } of this.#servers.values()) {
      const count = service.counts.reduce((sum, one) => sum + one, 0);
      if (count > 0) this.#meanServiceMs = Math.max(this.#meanServiceMs ?? 0, service.sumMs / count);
    }
  }

  accepted(): void {
    this.#totals.accepted++;
  }

  granted(waitMs: number): void {
    observe(this.#waits, waitMs);
  }

  completed(server: string, serviceMs: number, status: number): void {
    this.#totals.completed++;
    observe(this.#countsOf(server).service, serviceMs);
    const mean = this.#meanServiceMs ?? serviceMs;
    this.#meanServiceMs = mean + (Math.max(0, serviceMs) - mean) * NEWEST_SHARE;
    const statusClass = STATUS_CLASSES[Math.trunc(status / 100)] ?? "5xx";
    this.#answered[statusClass] = (this.#answered[statusClass] ?? 0) + 1;
  }

  refused(code: CountedRefusal): void {
    this.#totals.refused[code] = (this.#totals.refused[code] ?? 0) + 1;
  }

  retried(server: string): void {
    this.#totals.retried++;
    this.#countsOf(server).retried++;
  }

  abandoned(): void {
    this.#totals.abandoned++;
  }

  wentFree(): void {
    this.#totals.free++;
  }

  passedOn(): void {
    this.#totals.passedOn++;
  }

  /** Takes back an `abandoned` of a request whose holder was presumed lost. */
  notAbandoned(): void {
    this.#totals.abandoned--;
  }

  drainBegun(): void {
    this.#drains++;
  }

  /** Mean time of a request at its server, in ms, in which the latest count most; `null`: none has been completed. */
  get meanServiceMs(): number | null {
    return this.#meanServiceMs;
  }

  get totals(): Totals {
    return { ...this.#totals, refused: { ...this.#totals.refused } };
  }

  /** A deep copy. */
  get counts(): Counts {
    return structuredClone({
      ...this.#totals,
      answered: this.#answered,
      drains: this.#drains,
      waits: this.#waits,
      servers: [...this.#servers.values()],
      abandonedTold: this.#abandonedTold,
    });
  }

  /** Returns the counts for a scrape. The caller writes them to the ledger first: a later scrape must not be lower. */
  tell(): Counts {
    this.#abandonedTold = Math.max(this.#abandonedTold, this.#totals.abandoned);
    return this.counts;
  }

  forgetServersBut(names: ReadonlySet<string>): void {
    for (const name of this.#servers.keys()) if (!names.has(name)) this.#servers.delete(name);
  }

  #countsOf(name: string): ServerCounts {
    let counts = this.#servers.get(name);
    if (!counts) {
      counts = { name, retried: 0, service: emptyHistogram() };
      this.#servers.set(name, counts);
    }
    return counts;
  }
}

/** The weight of one request in the moving average of service times. */
const NEWEST_SHARE = 1 / 16;

const STATUS_CLASSES = ["", "1xx", "2xx", "3xx", "4xx", "5xx"];

/** Upper bounds of the buckets, in ms: from the grant of a free slot to the longest usual wait. */
export const BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
  600_000,
];

export interface Histogram {
  /** Observations in each bucket, not cumulative; the last bucket is for times above all bounds. */
  counts: number[];
  sumMs: number;
}

export function emptyHistogram(): Histogram {
  return { counts: new Array(BOUNDS_MS.length + 1).fill(0), sumMs: 0 };
}

/** Returns a histogram from the ledger, or an empty one if that was written with other bounds. */
export function storedHistogram(stored: Histogram | undefined): Histogram {
  return stored?.counts.length === BOUNDS_MS.length + 1 ? stored : emptyHistogram();
}

export function observe(histogram: Histogram, ms: number): void {
  // A clock may be set back.
  const time = Math.max(0, ms);
  let bucket = 0;
  while (bucket < BOUNDS_MS.length && time > (BOUNDS_MS[bucket] as number)) bucket++;
  histogram.counts[bucket] = (histogram.counts[bucket] as number) + 1;
  histogram.sumMs += time;
}
