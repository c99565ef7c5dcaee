export type Outcome =
  | "ok"
  | "deferred"
  | "refused"
  | "retried"
  | "client-abort-queued"
  | "client-abort-in-flight"
  | "server-timeout"
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
  receiveHeaders(): void {
    this.#enter(null);
  }

  /** Time spent waiting for slots, summed over all attempts. */
  get queueMs(): number {
    return this.#queueMs + this.#spentIn("queue");
  }

  /** Time from dispatch to the response's headers, or to a failure before them, in the last attempt. */
  get originMs(): number {
    return this.#originMs + this.#spentIn("origin");
  }

  /** One line of JSON, without query, headers and body. */
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
    });
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

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Returns the client's `X-Request-Id` if it is safe in a log line, otherwise a new id. */
export function requestIdOf(headers: Headers): string {
  const clientId = headers.get("x-request-id");
  return clientId !== null && REQUEST_ID.test(clientId) ? clientId : crypto.randomUUID();
}
