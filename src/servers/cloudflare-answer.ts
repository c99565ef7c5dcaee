/** What an answer of Cloudflare's own says about the request and its server. */
export type CloudflareAnswer = "never-reached" | "refused" | "broken" | "maybe-reached" | "timeout";

/** developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors, 2026-11. */
const ANSWERS = new Map<number, CloudflareAnswer>([
  // An empty, unknown or unreadable answer: the server broke the connection off.
  [520, "broken"],
  [521, "refused"],
  // No connection in time, or a request that the server's host never acknowledged.
  [522, "maybe-reached"],
  [523, "never-reached"],
  // Connected, and no answer within Cloudflare's own limit of about two minutes.
  [524, "timeout"],
  [525, "never-reached"],
  [526, "never-reached"],
  [530, "never-reached"],
]);

/**
 * Null if the answer is the server's: the status alone does not tell, for a server may send these too.
 * Cloudflare answers like this for a server whose host name is proxied by it.
 */
export function cloudflareAnswer(response: Response): CloudflareAnswer | null {
  if (response.headers.get("server")?.toLowerCase() !== "cloudflare") return null;
  return ANSWERS.get(response.status) ?? null;
}
