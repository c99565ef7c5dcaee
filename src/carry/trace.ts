export type Outcome =
  | "ok"
  | "refused"
  | "retried"
  | "client-abort-queued"
  | "client-abort-in-flight"
  | "server-timeout"
  | "origin-error";

/** What is known of one request, for its log line and its timing header. Times in ms. */
export class Trace {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  pool: string | null = null;
  server: string | null = null;
  /** What the client got. */
  status: number | null = null;
  code: string | undefined;
  attempts = 0;
  bytes = 0;
  outcome: Outcome = "ok";
  readonly #start = Date.now();
  #queueMs = 0;
  #originMs = 0;
  #phase: "queue" | "origin" | null = null;
  #phaseSince = 0;

  constructor(requestId: string, method: string, path: string) {
    this.requestId = requestId;
    this.method = method;
    this.path = path;
  }

  queued(): void {
    this.#enter("queue");
  }

  dispatched(server: string): void {
    this.#enter("origin");
    this.#originMs = 0;
    this.server = server;
    this.attempts++;
  }

  answered(): void {
    this.#enter(null);
  }

  /** From asking for a slot to having it, or to giving up, over all attempts. */
  get queueMs(): number {
    return this.#queueMs + this.#spentIn("queue");
  }

  /** From dispatch to the response's headers, or to its end without; of the last attempt. */
  get originMs(): number {
    return this.#originMs + this.#spentIn("origin");
  }

  /** One JSON line: no query, no header, no body. */
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

/** The client's request id if it is one that can go into a log line, else a new one. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}
