import type { EndRefusal, SchedulerRefusal } from "../terms/lease-end.ts";
import { emptyHistogram, type Histogram, observe, storedHistogram } from "./histogram.ts";

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
