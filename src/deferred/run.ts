import { attempt } from "../carry/attempt.ts";
import type { CarriedRequest } from "../carry/carried-request.ts";
import { TryAgain } from "../carry/failure.ts";
import { noteOrder } from "../carry/flow.ts";
import { type Outcome, Trace } from "../carry/trace.ts";
import type { PoolConfig } from "../config/types.ts";
import { ClientLeft } from "../link/acquire.ts";
import type { LiveAnswer, StoredRequest } from "../link/deferred-calls.ts";
import type { Env } from "../link/env.ts";
import type { HeldLease } from "../link/held-lease.ts";
import { logError } from "../link/log.ts";
import { Refusal } from "../refusals/refusal.ts";
import { type LeaseEnd, notRetried } from "../scheduler/terms/lease-end.ts";
import { AnswerWriter, type Written } from "./answer-writer.ts";
import type { Progress } from "./progress.ts";
import type { Store } from "./store.ts";
import { StoredBody } from "./stored-body.ts";

/** How one attempt ended. Unless it is made again, its lease has ended too. */
export type RunEnd =
  | { how: "answered" }
  | { how: "failed"; refusal: Refusal }
  | { how: "canceled" }
  | { how: "again"; end: LeaseEnd };

/** One attempt of a deferred request: its server's answer goes to storage instead of a client. */
export class Run {
  readonly #client = new AbortController();
  #written: Written | null = null;
  /** Of the answer. */
  #status: number | null = null;
  #writing: Promise<void> = Promise.resolve();
  #refusal: Refusal | null = null;
  readonly #background: Promise<unknown>[] = [];

  /** What `on_client_abort` says happens: the server is cut off, or its answer is read and thrown away. */
  cancel(): void {
    this.#client.abort();
  }

  /** Never rejects. `onAnswer`: called in the turn in which the answer is complete in storage. */
  async carry(
    { env, pool, request, store, progress, lease }: RunOf,
    on: {
      answer: () => void;
      live: (answer: LiveAnswer) => boolean;
      background: (work: Promise<unknown>) => void;
    },
  ): Promise<RunEnd> {
    const { requestId, method, target, headers, mostAnswerBytes } = request;
    const trace = new Trace(requestId, method, target.path, Date.now() - progress.acceptedAt);
    trace.isDeferred = true;
    trace.pool = pool.name;
    let sent: Request;
    try {
      sent = new Request(target.origin, { method, headers });
      trace.observe(pool, sent.headers);
      await noteOrder(trace, pool, sent, target);
    } catch (error) {
      logError(error, { requestId });
      this.#inBackground(lease.end({ how: "unused" }), on.background);
      const refusal = new Refusal("invalid-request", "The request cannot be passed on.", pool.name);
      return this.#failed(refusal, trace, "refused");
    }
    const writer = new AnswerWriter(store, mostAnswerBytes, on.live);
    const carried: CarriedRequest = {
      env,
      pool,
      request: sent,
      target,
      body: new StoredBody(store),
      client: this.#client.signal,
      trace,
      inBackground: (work) => this.#inBackground(work, on.background),
      responder: {
        respond: (response) => {
          trace.code = undefined;
          this.#writing = this.#write(response, writer, on.answer);
        },
        refuse: (refusal) => {
          this.#refusal = refusal;
        },
        // Only for WebSockets, which are never deferred.
        breakOff: () => {},
        stored: () => this.#writing,
      },
    };
    try {
      await attempt(carried, lease, progress.failures);
      return this.#end(trace);
    } catch (error) {
      // If the answer was not kept, the server may have been cut off for that.
      await this.#writing;
      if (!(error instanceof TryAgain)) return this.#failure(error, trace, pool);
      // The answer was complete before its connection was cut.
      if (this.#written === "stored") {
        this.#inBackground(lease.end(notRetried(error.end)), on.background);
        return this.#end(trace);
      }
      trace.outcome = "retried";
      return { how: "again", end: error.end };
    } finally {
      console.log(trace.line());
    }
  }

  /** Resolves once the pool has been told how the lease ended. */
  get leaseTold(): Promise<unknown> {
    return Promise.allSettled(this.#background);
  }

  #inBackground(work: Promise<unknown>, keep: (work: Promise<unknown>) => void): void {
    this.#background.push(work);
    keep(work);
  }

  async #write(response: Response, writer: AnswerWriter, onAnswer: () => void): Promise<void> {
    this.#status = response.status;
    this.#written = await writer.write(response);
    if (this.#written === "stored" && !this.#client.signal.aborted) onAnswer();
  }

  #end(trace: Trace): RunEnd {
    trace.status = this.#status;
    if (this.#refusal) return this.#failed(this.#refusal, trace, "origin-error");
    if (this.#client.signal.aborted) return { how: "canceled" };
    if (this.#written === "stored" || this.#written === "live") return { how: "answered" };
    return this.#failed(notKept(this.#written, trace.pool), trace, "refused");
  }

  #failure(error: unknown, trace: Trace, pool: PoolConfig): RunEnd {
    const isKept = this.#written !== "too-large" && this.#written !== "not-taken";
    if (error instanceof ClientLeft && !isKept && !this.#client.signal.aborted) return this.#end(trace);
    if (this.#client.signal.aborted || error instanceof ClientLeft) {
      trace.outcome = "client-abort-in-flight";
      return { how: "canceled" };
    }
    // The answer was complete before its connection was cut.
    if (this.#written === "stored") return this.#end(trace);
    if (!(error instanceof Refusal)) logError(error, { requestId: trace.requestId });
    const isRefusal = error instanceof Refusal;
    const refusal = isRefusal
      ? error
      : new Refusal("bad-gateway", "The request could not be carried.", pool.name);
    return this.#failed(refusal, trace, outcomeOf(refusal));
  }

  #failed(refusal: Refusal, trace: Trace, outcome: Outcome): RunEnd {
    trace.status = refusal.status;
    trace.code = refusal.code;
    trace.outcome = outcome;
    return { how: "failed", refusal };
  }
}

export interface RunOf {
  env: Env;
  pool: PoolConfig;
  request: StoredRequest;
  store: Store;
  progress: Progress;
  lease: HeldLease;
}

function outcomeOf({ code, status }: Refusal): Outcome {
  if (code === "server-timeout" || code === "cut-off") return code;
  if (code === "fate-unknown") return "cut-off";
  return status === 502 ? "origin-error" : "refused";
}

function notKept(written: Written | null, pool: string | null): Refusal {
  if (written !== "too-large")
    return new Refusal("bad-gateway", "The server's answer could not be stored, so it is lost.", pool);
  const detail = "The server's answer is larger than what is stored of one, so it is lost.";
  return new Refusal("response-too-large", detail, pool);
}
