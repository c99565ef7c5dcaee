import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Journal } from "./journal.ts";
import { cancels } from "./pool.ts";

/**
 * What a server does for one request, or for a health check (`job` is null): it takes a slot from when the
 * request was read until `done`, also when its connection has gone long before.
 */
export class Work {
  readonly job: Job | null;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Nobody waits for it any more, or nobody will: it hangs, or its connection has gone. */
  stray = false;
  /** It is given up as soon as the other side closes the connection. */
  readonly endsWhenCut: boolean;
  readonly #killed = new AbortController();
  /** Resolves once all of the answer is on its way, or its connection has gone. */
  readonly closed: Promise<void>;

  constructor(job: Job | null, request: IncomingMessage, response: ServerResponse, journal: Journal) {
    this.job = job;
    this.endsWhenCut = cancels(journal.settings) && job !== null && job.sent.plan.leaveAfterMs !== null;
    this.request = request;
    this.response = response;
    this.closed = new Promise((resolve) => {
      response.once("close", () => {
        this.stray = true;
        if (job && job.brokeAt === null && !response.writableFinished) job.cutAt = journal.now();
        if (this.endsWhenCut) this.kill();
        resolve();
      });
    });
  }

  /** Rejects, as everything here does, if the server is killed meanwhile. */
  async busy(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#killed.signal });
  }

  /** Until the other side has had enough. */
  async untilCut(): Promise<void> {
    await this.orKilled(this.closed);
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
}
