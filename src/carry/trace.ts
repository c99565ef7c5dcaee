import type { LogHeaders } from "../config/log-headers.ts";
import type { PoolConfig } from "../config/types.ts";
import { type TraceContext, traceContextOf } from "./trace-context.ts";

export type Outcome =
  | "ok"
  | "deferred"
  | "refused"
  | "retried"
  | "client-abort-queued"
  | "client-abort-in-flight"
  | "server-timeout"
  | "cut-off"
  | "origin-error";

/** Collects what is known of one request for its log line and its `Server-Timing` header. Times are in ms. */
export class Trace {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  pool: string | null = null;
  server: string | null = null;
  /** What the client got; `null`: nothing yet. */
  status: number | null = null;
  /** Of the refusal that the client got. */
  code: string | undefined;
  attempts = 0;
  /** Of the response's body, as the server sent it; for a WebSocket, bytes and characters. */
  bytes = 0;
  outcome: Outcome = "ok";
  /** True for a request that is stored, and for what becomes of it later. */
  isDeferred = false;
  /** True for a request without a slot (`free_paths`). */
  isFree = false;
  /** The shard that it asked last; `null`: the pool has no several. */
  shard: number | null = null;
  /** Whose request it is, as a hash; `null`: the pool does not ask, or nothing tells. */
  flow: string | null = null;
  /** By how much it went ahead of its arrival. */
  aheadMs = 0;
  /** What servers are told of the trace; `null`: what the client said of it, or nothing. */
  context: TraceContext | null = null;
  #logHeaders: LogHeaders = NO_HEADERS;
  #address: string | null = null;
  #headers: Record<string, string> | undefined;
  #responseHeaders: Record<string, string> | undefined;
  readonly #start: number;
  #queueMs: number;
  #originMs = 0;
  #phase: "queue" | "origin" | null = null;
  #phaseSince = 0;

  /** `waitedMs`: how long it has waited for slots before. */
  constructor(requestId: string, method: string, path: string, waitedMs = 0) {
    this.requestId = requestId;
    this.method = method;
    this.path = path;
    this.#queueMs = waitedMs;
    this.#start = Date.now() - waitedMs;
  }

  /** The request is its pool's, which says what of it is logged, and whether it gets a trace. */
  observe(pool: PoolConfig, headers: Headers): void {
    this.pool = pool.name;
    this.context = traceContextOf(headers, this.requestId, pool.traceparent === "make");
    this.#logHeaders = pool.logHeaders;
    this.#headers = valuesOf(pool.logHeaders.request, headers);
    if (pool.logAddress) this.#address = headers.get("cf-connecting-ip");
  }

  enterQueue(): void {
    this.#enter("queue");
  }

  dispatch(server: string): void {
    this.#enter("origin");
    this.#originMs = 0;
    this.server = server;
    this.attempts++;
  }

  /** The server's response headers have arrived. */
  receiveHeaders(headers: Headers): void {
    this.#enter(null);
    this.#responseHeaders = valuesOf(this.#logHeaders.response, headers);
  }

  /** Time spent waiting for slots, summed over all attempts. */
  get queueMs(): number {
    return this.#queueMs + this.#spentIn("queue");
  }

  /** Time from dispatch to the response's headers, or to a failure before them, in the last attempt. */
  get originMs(): number {
    return this.#originMs + this.#spentIn("origin");
  }

  /** One line of JSON, without query and body, and with no headers but those of `log_headers`. */
  line(): string {
    return JSON.stringify({
      requestId: this.requestId,
      pool: this.pool,
      server: this.server,
      method: this.method,
      path: this.path,
      status: this.status,
      code: this.code,
      attempts: this.attempts,
      queueMs: this.queueMs,
      originMs: this.originMs,
      totalMs: Date.now() - this.#start,
      bytes: this.bytes,
      outcome: this.outcome,
      ...(this.isDeferred ? { deferred: true } : {}),
      ...(this.isFree ? { free: true } : {}),
      ...this.#optional(),
    });
  }

  /** Without a member for what is not known. */
  #optional(): Record<string, unknown> {
    const { traceId, spanId } = this.context ?? {};
    return {
      traceId,
      // Only a server that got the request knows it.
      spanId: this.attempts > 0 ? spanId : undefined,
      shard: this.shard ?? undefined,
      flow: this.flow ?? undefined,
      ahead: this.aheadMs === 0 ? undefined : this.aheadMs,
      address: this.#address ?? undefined,
      headers: this.#headers,
      responseHeaders: this.#responseHeaders,
    };
  }

  #enter(phase: "queue" | "origin" | null): void {
    this.#queueMs += this.#spentIn("queue");
    this.#originMs += this.#spentIn("origin");
    this.#phase = phase;
    this.#phaseSince = Date.now();
  }

  #spentIn(phase: "queue" | "origin"): number {
    return this.#phase === phase ? Date.now() - this.#phaseSince : 0;
  }
}

const NO_HEADERS: LogHeaders = { request: [], response: [] };

/** Longest value of a header in the log, in characters. */
const LONGEST_VALUE = 200;

/** Of those that are there; `undefined`: none is. */
function valuesOf(names: readonly string[], headers: Headers): Record<string, string> | undefined {
  const values = names.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    // The cut may fall between the two halves of a surrogate pair.
    return value === null ? [] : [[name, value.slice(0, LONGEST_VALUE).toWellFormed()]];
  });
  return values.length === 0 ? undefined : Object.fromEntries(values);
}

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Returns the client's `X-Request-Id` if it is safe in a log line, otherwise a new id. */
export function requestIdOf(headers: Headers): string {
  const clientId = headers.get("x-request-id");
  return clientId !== null && REQUEST_ID.test(clientId) ? clientId : crypto.randomUUID();
}
