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
  #queuedAt: number | null = null;
  #dispatchedAt: number | null = null;
  #answeredAt: number | null = null;

  constructor(requestId: string, method: string, path: string) {
    this.requestId = requestId;
    this.method = method;
    this.path = path;
  }

  queued(): void {
    this.#queuedAt = Date.now();
  }

  dispatched(server: string): void {
    this.#dispatchedAt = Date.now();
    this.server = server;
    this.attempts++;
  }

  answered(): void {
    this.#answeredAt = Date.now();
  }

  /** From asking for a slot to having it, or to giving up. */
  get queueMs(): number {
    return this.#queuedAt === null ? 0 : (this.#dispatchedAt ?? Date.now()) - this.#queuedAt;
  }

  /** From dispatch to the response's headers. */
  get originMs(): number {
    return this.#dispatchedAt === null ? 0 : (this.#answeredAt ?? Date.now()) - this.#dispatchedAt;
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
}
