import type { Outlook } from "../scheduler/terms/outlook.ts";

interface Row {
  status: number;
  title: string;
  /** For `Retry-After`, in seconds, where nobody knows it better. */
  retryAfterS?: number;
  /** Further headers of the answer. */
  headers?: Record<string, string>;
}

const table = <Code extends string>(rows: Record<Code, Row>) => rows;

/** Every way in which Sluice answers instead of a server. */
const REFUSALS = table({
  // ── The proxy's ──
  "no-pool": { status: 404, title: "No pool serves this host and path" },
  "queue-full": { status: 503, title: "Too many requests are waiting", retryAfterS: 5 },
  "flow-queue-full": { status: 429, title: "Too many of your requests are waiting", retryAfterS: 5 },
  "queue-timeout": { status: 503, title: "No server became free in time", retryAfterS: 5 },
  stopped: { status: 503, title: "The service is stopped", retryAfterS: 30 },
  "no-server": { status: 503, title: "No server is available", retryAfterS: 10 },
  "bad-gateway": { status: 502, title: "The server could not be reached or broke off" },
  "client-timeout": { status: 408, title: "The request did not arrive in time" },
  busy: { status: 503, title: "There is no memory to hold the request", retryAfterS: 5 },
  "cut-off": { status: 504, title: "The request was cut off" },
  "server-timeout": { status: 504, title: "The server did not answer in time" },
  "pool-unavailable": { status: 503, title: "The pool cannot be reached", retryAfterS: 5 },
  misconfigured: { status: 500, title: "Sluice is not configured correctly" },
  "websocket-version": {
    status: 426,
    title: "This version of WebSockets is not spoken here",
    // `Upgrade` belongs here too, but the runtime removes it from every answer except a 101 (workerd 2026-11-17).
    headers: { "Sec-WebSocket-Version": "13" },
  },
  // ── Of deferred requests ──
  "deferred-full": { status: 503, title: "Too many stored requests are waiting", retryAfterS: 30 },
  "body-too-large": { status: 413, title: "The request's body is too large to store" },
  "idempotency-mismatch": { status: 422, title: "This idempotency key belongs to another request" },
  "webhook-refused": { status: 400, title: "The webhook is not allowed" },
  "unknown-request": { status: 404, title: "No such request" },
  "fate-unknown": { status: 502, title: "Whether the server did its work is unknown" },
  "response-too-large": { status: 502, title: "The server's answer is too large to store" },
  canceled: { status: 410, title: "The request was canceled" },
  // ── The admin side's ──
  unauthorized: { status: 401, title: "The token is missing or wrong" },
  forbidden: { status: 403, title: "This is not allowed" },
  "admin-disabled": { status: 503, title: "The admin side is off" },
  "unknown-pool": { status: 404, title: "No such pool" },
  "unknown-server": { status: 404, title: "No such server" },
  "unknown-lease": { status: 404, title: "No such lease" },
  "unknown-route": { status: 404, title: "No such route" },
  "invalid-request": { status: 400, title: "The request is not valid" },
  "drain-held": { status: 409, title: "Another owner holds the drain" },
  "already-ended": { status: 409, title: "The request has already ended" },
  "not-failed": { status: 409, title: "The request has not failed" },
  "server-known": { status: 409, title: "The server is another one's already" },
  "registration-refused": { status: 403, title: "This server may not register" },
  "registration-full": { status: 503, title: "Too many servers have registered", retryAfterS: 10 },
  "state-changed": { status: 409, title: "The server is in another state" },
});

export type RefusalCode = keyof typeof REFUSALS;

/** `Retry-After` is never shorter or longer, in seconds. */
const SHORTEST_RETRY_S = 1;
const LONGEST_RETRY_S = 3_600;

/** What else is known of a refusal. */
interface More {
  /** What the request would meet now, as its pool says. */
  outlook?: Outlook | undefined;
  /** Further headers of the answer. */
  headers?: Record<string, string>;
}

/** Thrown where a request cannot go on. The proxy and the admin side answer it by `refusalResponse`. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly pool: string | null;
  readonly outlook: Outlook | null;
  readonly #headers: Record<string, string>;

  /** `detail` is sent to the client, so that it must not contain anything internal. */
  constructor(code: RefusalCode, detail: string, pool: string | null = null, more: More = {}) {
    super(detail);
    this.code = code;
    this.pool = pool;
    this.outlook = more.outlook ?? null;
    this.#headers = more.headers ?? {};
  }

  get status(): number {
    return REFUSALS[this.code].status;
  }

  get title(): string {
    return REFUSALS[this.code].title;
  }

  /** Rounded up, so that nobody comes too early. */
  get retryAfterS(): number | undefined {
    const ms = this.outlook?.retryAfterMs ?? null;
    if (ms === null) return REFUSALS[this.code].retryAfterS;
    return Math.min(Math.max(Math.ceil(ms / 1_000), SHORTEST_RETRY_S), LONGEST_RETRY_S);
  }

  get headers(): Record<string, string> {
    return { ...REFUSALS[this.code].headers, ...this.#headers };
  }
}
