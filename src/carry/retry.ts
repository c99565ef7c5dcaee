import type { PoolConfig } from "../config/types.ts";
import type { CutOff } from "../scheduler/terms/lease-end.ts";
import type { CloudflareAnswer } from "../servers/cloudflare-answer.ts";
import type { RequestBody } from "./request-body.ts";

/** RFC 9110, 9.2.2, and WebDAV's: repeating one of these has the effect of sending it once. */
const IDEMPOTENT = new Set([
  "GET",
  "HEAD",
  "PUT",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "REPORT",
  "SEARCH",
]);

/** How the server of an attempt failed it: the lease ends so, or it said that it is busy and rests for so long. */
export type Failure = { ending: CutOff } | { busyForMs: number };

/** A server failed the request, which goes to one once more; its lease is left to who asks for the next. */
export class TryAgain extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super();
    this.failure = failure;
  }
}

/** Cloudflare answered in the server's place. */
export class AnsweredByCloudflare extends Error {
  readonly answer: CloudflareAnswer;

  constructor(answer: CloudflareAnswer) {
    super(`Cloudflare's own answer: ${answer}`);
    this.answer = answer;
  }

  get neverReached(): boolean {
    return this.answer === "never-reached" || this.answer === "refused";
  }

  /** Whether somebody may still be at work decides. */
  get ending(): CutOff {
    if (this.answer === "maybe-reached") return "unreachable";
    return this.answer === "timeout" ? "timeout" : "broken";
  }
}

/** Whether a request whose attempt failed may be sent again. */
export function mayRetry(
  failed: { request: Request; body: RequestBody; pool: PoolConfig; failures: number },
  neverReached: boolean,
): boolean {
  const { request, body, pool, failures } = failed;
  if (failures >= pool.retries || !body.atHand) return false;
  return (
    neverReached ||
    pool.retryNonIdempotent ||
    IDEMPOTENT.has(request.method) ||
    // The client says that the server tells repetitions apart.
    request.headers.has("idempotency-key")
  );
}
