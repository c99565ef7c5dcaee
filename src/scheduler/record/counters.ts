import type { EndRefusal, SchedulerRefusal } from "../terms/lease-end.ts";

/**
 * Counts since the pool was created, as a snapshot shows them. Accepted = completed + abandoned + what was
 * refused after acceptance + what is still here.
 */
export interface Totals {
  accepted: number;
  completed: number;
  refused: Record<string, number>;
  retried: number;
  abandoned: number;
}

/** All that is counted, as the ledger keeps it. */
export interface Counts extends Totals {
  /** Of those completed, how many were answered with each class of status, `2xx`. */
  answered: Record<string, number>;
  drains: number;
  /** From arrival to the first slot. */
  waits: Histogram;
  servers: ServerCounts[];
  /** The most that a scrape was told: what is found to be not abandoned after all must not turn it back. */
  abandonedTold: number;
}

export interface ServerCounts {
  name: string;
  /** Attempts that it failed, and that another one followed. */
  retried: number;
  /** From the slot to the last byte. */
  service: Histogram;
}

export type CountedRefusal = SchedulerRefusal | EndRefusal;

/** Counts what becomes of requests: a few additions each, and nothing new in memory. */
export class Counters {
  readonly #totals: Totals;
  readonly #answered: Record<string, number>;
  readonly #waits: Histogram;
  readonly #servers: Map<string, ServerCounts>;
  #drains: number;
  #abandonedTold: number;

  constructor(stored: Partial<Counts> = {}) {
    const { accepted = 0, completed = 0, refused = {}, retried = 0, abandoned = 0 } = stored;
    this.#totals = { accepted, completed, refused: { ...refused }, retried, abandoned };
    this.#answered = { ...stored.answered };
    this.#waits = storedHistogram(stored.waits);
    this.#servers = new Map(
      stored.servers?.map((one) => [one.name, { ...one, service: storedHistogram(one.service) }]),
    );
    this.#drains = stored.drains ?? 0;
    this.#abandonedTold = stored.abandonedTold ?? 0;
  }

  accepted(): void {
    this.#totals.accepted++;
  }

  granted(waitMs: number): void {
    observe(this.#waits, waitMs);
  }

  completed(server: string, serviceMs: number, status: number): void {
    this.#totals.completed++;
    observe(this.#serverCounts(server).service, serviceMs);
    const statusClass = CLASSES[Math.trunc(status / 100)] ?? "5xx";
    this.#answered[statusClass] = (this.#answered[statusClass] ?? 0) + 1;
  }

  refused(code: CountedRefusal): void {
    this.#totals.refused[code] = (this.#totals.refused[code] ?? 0) + 1;
  }

  retried(server: string): void {
    this.#totals.retried++;
    this.#serverCounts(server).retried++;
  }

  abandoned(): void {
    this.#totals.abandoned++;
  }

  /** It was counted as lost, and is not. */
  notAbandoned(): void {
    this.#totals.abandoned--;
  }

  drained(): void {
    this.#drains++;
  }

  get totals(): Totals {
    return { ...this.#totals, refused: { ...this.#totals.refused } };
  }

  /** As a copy. */
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

  /** What a scrape is told, once the ledger has it: no value of it may ever be lower the next time. */
  tell(): Counts {
    this.#abandonedTold = Math.max(this.#abandonedTold, this.#totals.abandoned);
    return this.counts;
  }

  forgetServersBut(names: ReadonlySet<string>): void {
    for (const name of this.#servers.keys()) if (!names.has(name)) this.#servers.delete(name);
  }

  #serverCounts(name: string): ServerCounts {
    let counts = this.#servers.get(name);
    if (!counts) {
      counts = { name, retried: 0, service: emptyHistogram() };
      this.#servers.set(name, counts);
    }
    return counts;
  }
}

const CLASSES = ["", "1xx", "2xx", "3xx", "4xx", "5xx"];

/** Upper bounds in ms: from what a free slot takes to the longest wait that is usual. */
export const BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
  600_000,
];

/** How often a time fell into each bucket, and not into one before; the last is of those beyond all bounds. */
export interface Histogram {
  counts: number[];
  sumMs: number;
}

export function emptyHistogram(): Histogram {
  return { counts: new Array(BOUNDS_MS.length + 1).fill(0), sumMs: 0 };
}

/** A stored one; of another version's buckets nothing can be made. */
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
