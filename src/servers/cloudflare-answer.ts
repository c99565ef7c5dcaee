/**
 * What an error response of Cloudflare's own says about the request.
 * never-reached  the request was not sent to the server
 * refused        the server refused the connection
 * broken         the server closed the connection early
 * maybe-reached  unknown whether the server got the request
 * timeout        the server got the request and did not answer in time
 */
export type CloudflareAnswer = "never-reached" | "refused" | "broken" | "maybe-reached" | "timeout";

/** By status (developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors, 2026-11). */
const ANSWERS = new Map<number, CloudflareAnswer>([
  // The server's answer was empty, unknown or unreadable.
  [520, "broken"],
  [521, "refused"],
  // Either the connection timed out, or the server's host never acknowledged the request.
  [522, "maybe-reached"],
  [523, "never-reached"],
  // No answer within Cloudflare's own limit of about two minutes.
  [524, "timeout"],
  [525, "never-reached"],
  [526, "never-reached"],
  [530, "never-reached"],
]);

/**
 * Recognizes Cloudflare's own error responses, which it sends for a server whose host name it proxies. `null`: the
 * response is the server's. The status alone does not tell, because a server may send these too.
 */
export function cloudflareAnswer(response: Response): CloudflareAnswer | null {
  if (response.headers.get("server")?.toLowerCase() !== "cloudflare") return null;
  return ANSWERS.get(response.status) ?? null;
}
