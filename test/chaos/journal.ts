import type { JobPlan, RequestPlan } from "./plans.ts";
import { RETRIES, type Settings } from "./pool.ts";
import { Waiting } from "./waiting.ts";

/** One request, from its client's point of view. Times here and below are ms since the run began. */
export interface Sent {
  plan: RequestPlan;
  sentAt: number;
  endedAt: number | null;
  outcome: string | null;
  jobs: Job[];
}

/** One arrival of a request at a server, and what became of it. */
export interface Job {
  number: number;
  sent: Sent;
  server: string;
  plan: JobPlan;
  /** From here to `doneAt` it takes one of the server's slots. */
  readAt: number;
  headAt: number | null;
  /** From here on it waits to be cut off. */
  hungAt: number | null;
  /** The server broke the connection, on purpose or because it restarted. */
  brokeAt: number | null;
  /** The other side closed the connection before it had the answer. */
  cutAt: number | null;
  doneAt: number | null;
}

/** A server refused or reset connections without having read a request: `to` is infinite while it does. */
export interface Trouble {
  server: string;
  from: number;
  to: number;
}

/**
 * overlap  a server had more to do than it has slots
 * lost     a request ended as none may
 * twice    a request was read more than once though it may not be repeated, or there was no cause to
 * drained  a server had work while the pool said that it is drained
 * slot     a slot did not come back, or not in time
 */
export type Promised = "overlap" | "lost" | "twice" | "drained" | "slot";

export interface Broken {
  promise: Promised;
  at: number;
  text: string;
  about: Sent[];
}

/** All that happened in a run: what the report counts, and what tells the story of a failure. */
export class Journal {
  readonly settings: Settings;
  readonly waiting = new Waiting();
  readonly requests = new Map<string, Sent>();
  readonly jobs: Job[] = [];
  readonly events: { at: number; text: string }[] = [];
  readonly broken: Broken[] = [];
  readonly faults = new Map<string, number>();
  readonly operations = new Map<string, number>();
  readonly #troubles: Trouble[] = [];
  /** Until then no server may be given work: the pool said that it is drained. */
  drainedUntil = Number.NEGATIVE_INFINITY;
  longestQueue = 0;
  longestLeaseMs = 0;
  /** How long this very process, clients and servers in one, did not get to do anything. */
  longestPauseMs = 0;
  readonly #start = performance.now();

  constructor(settings: Settings) {
    this.settings = settings;
  }

  now(): number {
    return performance.now() - this.#start;
  }

  send(plan: RequestPlan): Sent {
    const sent: Sent = { plan, sentAt: this.now(), endedAt: null, outcome: null, jobs: [] };
    this.requests.set(plan.id, sent);
    this.waiting.add(sent, sent.sentAt);
    return sent;
  }

  ended(sent: Sent, outcome: string): void {
    sent.endedAt = this.now();
    sent.outcome = outcome;
    this.waiting.delete(sent, sent.endedAt);
  }

  begin(sent: Sent, server: string, plan: JobPlan): Job {
    const times = {
      readAt: this.now(),
      headAt: null,
      hungAt: null,
      brokeAt: null,
      cutAt: null,
      doneAt: null,
    };
    this.#checkRepetition(sent, server);
    const job: Job = { number: this.jobs.length, sent, server, plan, ...times };
    this.jobs.push(job);
    sent.jobs.push(job);
    this.waiting.delete(sent, job.readAt);
    if (job.readAt < this.drainedUntil) {
      this.break("drained", `${server} got ${sent.plan.id} while the pool is drained`, [sent]);
    }
    return job;
  }

  /** Its server is at work for it no more. */
  done(job: Job): void {
    if (job.doneAt !== null) return;
    job.doneAt = this.now();
    // It may be told so, or wait for another server.
    if (job.sent.endedAt === null) this.waiting.add(job.sent, job.doneAt);
  }

  event(text: string): void {
    this.events.push({ at: this.now(), text });
  }

  fault(kind: string, server: string): void {
    count(this.faults, kind);
    this.event(`${server}: ${kind}`);
  }

  operation(kind: string, text: string): void {
    count(this.operations, kind);
    this.event(text);
  }

  break(promise: Promised, text: string, about: Sent[] = []): void {
    this.broken.push({ promise, at: this.now(), text, about });
    this.event(`BROKEN PROMISE (${promise}): ${text}`);
  }

  trouble(server: string): Trouble {
    const trouble = { server, from: this.now(), to: Number.POSITIVE_INFINITY };
    this.#troubles.push(trouble);
    return trouble;
  }

  /** Some server was not to be talked to at a moment between these. */
  hadTrouble(from: number, to: number): boolean {
    return this.#troubles.some((one) => one.from <= to && one.to >= from);
  }

  /** Only after a server broke the connection, only what may be repeated, and not for ever. */
  #checkRepetition(sent: Sent, server: string): void {
    const { jobs, plan } = sent;
    if (jobs.length === 0) return;
    const repeatable = plan.idempotent || this.settings.retry_non_idempotent;
    const due = repeatable && jobs.length <= RETRIES && jobs.every((job) => job.brokeAt !== null);
    if (!due) this.break("twice", `${plan.method} ${plan.id} came to ${server} as well`, [sent]);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
