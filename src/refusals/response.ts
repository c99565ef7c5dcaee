import type { Refusal } from "./refusal.ts";

/** The style sheet of Sluice's own pages, inline, as none of their assets could be served at a pool's address. */
const STYLE =
  // The canvas behind the page goes by the root's scheme.
  ":root{color-scheme:light dark;background:Canvas;color:CanvasText}" +
  "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}" +
  // Large enough for a thumb.
  "a{display:inline-block;min-height:24px}";

/** SHA-256 of STYLE; a test computes it. */
const STYLE_DIGEST = "sha256-M9N+Bh3OVX+42li709hRcyDsexCrnolXpYIq5OUqNKM=";

/**
 * Headers of every answer of Sluice's own: a browser neither guesses its type, nor loads anything for it, nor shows it
 * in a frame.
 */
export const OWN_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": [
    "default-src 'none'",
    `style-src '${STYLE_DIGEST}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
};

/**
 * The answer to a client that is refused: `application/problem+json` (RFC 9457), or a small page where the client
 * prefers HTML. `extra` is part of the JSON only, where it says nothing else of what programs go by; `page` makes the
 * HTML.
 */
export function refusalResponse(
  refusal: Refusal,
  request: Request,
  requestId: string,
  extra: Record<string, unknown> = {},
  page = refusalPage,
): Response {
  const html = prefersHtml(request);
  const headers = new Headers({
    ...OWN_HEADERS,
    "Content-Type": html ? "text/html; charset=utf-8" : "application/problem+json",
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
    Vary: "Accept",
    ...refusal.headers,
  });
  if (refusal.retryAfterS !== undefined) headers.set("Retry-After", String(refusal.retryAfterS));
  const body = html ? page(refusal, requestId) : JSON.stringify(problem(refusal, requestId, extra));
  return new Response(request.method === "HEAD" ? null : body, { status: refusal.status, headers });
}

/** What programs go by. */
const OURS: ReadonlySet<string> = new Set(["status", "instance", "code", "queued", "estimatedWaitMs"]);

function problem(
  { title, status, message, code, pool, outlook }: Refusal,
  requestId: string,
  extra: Record<string, unknown>,
): Record<string, unknown> {
  return {
    type: "about:blank",
    title,
    status,
    detail: message,
    instance: requestId,
    code,
    ...(pool === null ? {} : { pool }),
    ...(outlook && { queued: outlook.queued, estimatedWaitMs: outlook.estimatedWaitMs }),
    ...Object.fromEntries(Object.entries(extra).filter(([name]) => !OURS.has(name))),
  };
}

function refusalPage(refusal: Refusal, requestId: string): string {
  return ownPage(`${refusal.status} ${refusal.title}`, refusal.title, [
    escapeHtml(refusal.message),
    ...(refusal.retryAfterS === undefined ? [] : [`You may try again in ${inWords(refusal.retryAfterS)}.`]),
    refusalFacts(refusal, requestId),
  ]);
}

/** Never less than it is: nobody is to come too early. */
function inWords(seconds: number): string {
  if (seconds === 1) return "a second";
  if (seconds < 60) return `${seconds} seconds`;
  if (seconds === 60) return "a minute";
  if (seconds < 3_600) return `about ${Math.ceil(seconds / 60)} minutes`;
  return "an hour";
}

/** What a person can tell the operators, as the last paragraph of a page. */
export function refusalFacts({ status, code }: Refusal, requestId: string): string {
  return `<small>${status} ${code} · request ${escapeHtml(requestId)}</small>`;
}

/**
 * A page of Sluice's own. `paragraphs` and what else is in its head are HTML, the titles are text. It has an icon of its own: a browser would ask the
 * pool for `/favicon.ico`, which may have just refused.
 */
export function ownPage(title: string, heading: string, paragraphs: readonly string[], head = ""): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
${head}<main>
<h1>${escapeHtml(heading)}</h1>
${paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join("\n")}
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

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);
}

/** HTML must be named, and be wanted no less than JSON: programs that accept everything, any type, get JSON. */
export function prefersHtml({ headers }: Pick<Request, "headers">): boolean {
  const accept = headers.get("accept") ?? "";
  const html = qualityOf(accept, "text/html", "application/xhtml+xml");
  return html > 0 && html >= qualityOf(accept, "application/problem+json", "application/json");
}

/**
 * The highest quality, 0 to 1, that an `Accept` or `Accept-Encoding` header gives one of these values by name.
 * Not hono's `accepts`: it serves a wildcard, and a value without a valid quality, as if it had been named.
 */
export function qualityOf(header: string, ...values: string[]): number {
  let best = 0;
  for (const range of header.split(",")) {
    const [value = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (!values.includes(value)) continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    best = Math.max(best, q ? Number(q.slice(2)) || 0 : 1);
  }
  return best;
}
