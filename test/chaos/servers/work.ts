import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { mayLeave } from "../clients/plan.ts";
import type { Job, Journal } from "../journal.ts";
import {
  cancels,
  LONGEST_AFTER_BREAK_MS,
  LONGEST_STOP_MS,
  longestAfterCutMs,
  SHORTEST_STOP_MS,
} from "../pool.ts";

/** Tells when the connection on which a request is answered has gone, or the answer is out. */
export interface Answering {
  events: EventEmitter;
  /** All of the answer is on its way. */
  isWhole: () => boolean;
}

/**
 * What a server does for one request, or for a health check (`job` is null): it takes a slot from when the
 * request was read until `done`, also when its connection has gone long before.
 */
export class Work {
  readonly job: Job | null;
  readonly request: IncomingMessage;
  /** Nobody waits for it any more, or nobody will: it hangs, or its connection has gone. */
  stray = false;
  readonly #journal: Journal;
  readonly #killed = new AbortController();
  /** Resolves once all of the answer is on its way, or its connection has gone. */
  readonly closed: Promise<void>;
  #isClosed = false;
  /** It does so for a while when its connection is cut; else it ends at once. */
  #goesOn = true;

  /** `mayGoOn`: nobody can take the server for restarted before its time. */
  constructor(
    job: Job | null,
    request: IncomingMessage,
    answering: Answering,
    journal: Journal,
    mayGoOn: () => boolean,
  ) {
    this.job = job;
    this.request = request;
    this.#journal = journal;
    this.closed = new Promise((resolve) => {
      answering.events.once("close", () => {
        this.#isClosed = true;
        // What hangs has been given leave when it began to.
        this.#goesOn = this.stray || mayGoOn();
        this.stray = true;
        if (job && job.brokeAt === null && !answering.isWhole()) this.#cut(job);
        resolve();
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Rejects, as everything here does, if the server is killed meanwhile. */
  async busy(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#killed.signal });
  }

  /** Until the other side has had enough. */
  async untilCut(): Promise<void> {
    await this.orKilled(this.closed);
  }

  /** Sluice has closed the connection, and the server is not there yet. */
  async goOnAfterCut(): Promise<void> {
    if (this.job)
      await this.#goOn(this.job, longestAfterCutMs(this.#journal.settings, this.job.sent.plan.client));
  }

  /** The server, or its front, has broken the connection, and it is not there yet. */
  async goOnAfterBreak(): Promise<void> {
    if (this.job) await this.#goOn(this.job, LONGEST_AFTER_BREAK_MS);
  }

  async orKilled<T>(other: Promise<T>): Promise<T> {
    const { promise: killed, reject } = Promise.withResolvers<never>();
    const { signal } = this.#killed;
    if (signal.aborted) throw signal.reason;
    const kill = () => reject(signal.reason);
    signal.addEventListener("abort", kill);
    try {
      return await Promise.race([other, killed]);
    } finally {
      signal.removeEventListener("abort", kill);
    }
  }

  /** The process is gone. */
  kill(): void {
    this.#killed.abort();
  }

  /** As long as planned since its connection has gone, of which this process may have learnt late. */
  async #goOn({ plan }: Job, longestMs: number): Promise<void> {
    this.stray = true;
    if (this.#goesOn) await this.busy(Math.max(0, plan.after * longestMs - this.#journal.slackMs));
  }

  /** Where a client's leaving cancels its request, the server stops: at the next moment at which it can. */
  #cut(job: Job): void {
    job.cutAt = this.#journal.now();
    if (!cancels(this.#journal.settings) || !mayLeave(job.sent.plan.client)) return;
    this.#journal.fault("stops slowly", job.server);
    const stopMs = SHORTEST_STOP_MS + job.plan.after * (LONGEST_STOP_MS - SHORTEST_STOP_MS);
    setTimeout(() => this.kill(), this.#goesOn ? Math.max(0, stopMs - this.#journal.slackMs) : 0);
  }
}
