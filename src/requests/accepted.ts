import type { DeferredStatus } from "../link/deferred-calls.ts";
import { monitorUrl } from "../link/deferred-id.ts";
import { OWN_HEADERS, prefersHtml } from "../refusals/response.ts";
import { requestStatus, retryAfterS } from "./monitor.ts";
import { statusPage } from "./status-page.ts";

/** Answers a client whose request is stored: where it finds what becomes of it. */
export function acceptedResponse(
  status: DeferredStatus,
  request: Request,
  origin: string,
  requestId: string,
): Response {
  const now = Date.now();
  const location = monitorUrl(origin, status.id);
  const html = prefersHtml(request);
  const headers = new Headers({
    ...OWN_HEADERS,
    "Content-Type": html ? "text/html; charset=utf-8" : "application/json",
    "Cache-Control": "no-store",
    Location: location,
    "Preference-Applied": "respond-async",
    "X-Request-Id": requestId,
    Vary: "Accept, Prefer",
  });
  headers.set("Retry-After", String(retryAfterS(status) ?? 1));
  // A browser does not follow the Location of a 202.
  if (html) headers.set("Refresh", `1; url=${location}`);
  const { id, state, place, estimatedStartAt, expiresAt } = requestStatus(status, origin, now);
  const body = html
    ? statusPage(status, origin, now)
    : JSON.stringify({ id, state, place, estimatedStartAt, expiresAt });
  return new Response(request.method === "HEAD" ? null : body, { status: 202, headers });
}
