import type { PoolConfig } from "../config/types.ts";
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

/** Cloudflare's own answers that say: no request reached the server. */
const NEVER_REACHED = new Set([521, 522, 523, 525, 526, 530]);

/** A connection failed before there was an answer, and the request goes to a server once more. */
export class TryAgain extends Error {}

/** Cloudflare says that it could not bring the request to its server. */
export class NeverReached extends Error {}

/** The answer is Cloudflare's own and not the server's. */
export function wasNeverReached(response: Response): boolean {
  return NEVER_REACHED.has(response.status) && response.headers.get("server")?.toLowerCase() === "cloudflare";
}

/** Whether a request whose attempt failed may be sent again. */
export function mayRetry(
  failed: { request: Request; body: RequestBody; pool: PoolConfig; attempt: number },
  neverReached: boolean,
): boolean {
  const { request, body, pool, attempt } = failed;
  if (attempt > pool.retries || !body.atHand) return false;
  return (
    neverReached ||
    pool.retryNonIdempotent ||
    IDEMPOTENT.has(request.method) ||
    // The client says that the server tells repetitions apart.
    request.headers.has("idempotency-key")
  );
}
