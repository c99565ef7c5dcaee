import { OWN_HEADERS, STYLE } from "./own-headers.ts";
import type { Refusal } from "./refusal.ts";

/**
 * A refusal as the client gets it: `application/problem+json` (RFC 9457), or a small page where it prefers
 * HTML. `extra` goes into the JSON only.
 */
export function refusalResponse(
  refusal: Refusal,
  request: Request,
  requestId: string,
  extra: Record<string, unknown> = {},
): Response {
  const html = prefersHtml(request.headers.get("accept") ?? "");
  const headers = new Headers({
    ...OWN_HEADERS,
    "Content-Type": html ? "text/html; charset=utf-8" : "application/problem+json",
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
    Vary: "Accept",
    ...refusal.headers,
  });
  if (refusal.retryAfterS !== undefined) headers.set("Retry-After", String(refusal.retryAfterS));
  const body = html ? page(refusal, requestId) : JSON.stringify({ ...problem(refusal, requestId), ...extra });
  return new Response(request.method === "HEAD" ? null : body, { status: refusal.status, headers });
}

function problem(refusal: Refusal, requestId: string): Record<string, unknown> {
  return {
    type: "about:blank",
    title: refusal.title,
    status: refusal.status,
    detail: refusal.message,
    instance: requestId,
    code: refusal.code,
    ...(refusal.pool === null ? {} : { pool: refusal.pool }),
  };
}

/** The icon is there so that a browser does not ask a pool that has just refused for `/favicon.ico` too. */
function page(refusal: Refusal, requestId: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${refusal.status} ${escapeHtml(refusal.title)}</title>
<style>${STYLE}</style>
<main>
<h1>${escapeHtml(refusal.title)}</h1>
<p>${escapeHtml(refusal.message)}</p>
<p><small>${refusal.status} ${refusal.code} · request ${escapeHtml(requestId)}</small></p>
</main>
</html>
`;
}

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
}

/** Named, and not less wanted than JSON; a bare wildcard is no wish for a page. */
function prefersHtml(accept: string): boolean {
  const html = quality(accept, ["text/html", "application/xhtml+xml"]);
  return html > 0 && html >= quality(accept, ["application/problem+json", "application/json"]);
}

function quality(accept: string, types: string[]): number {
  let best = 0;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (!types.includes(type)) continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    best = Math.max(best, q ? Number(q.slice(2)) || 0 : 1);
  }
  return best;
}
