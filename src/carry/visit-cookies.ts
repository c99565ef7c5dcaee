/** The cookies by which browsers keep their places (`waiting_page`). They are Sluice's: no server gets one. */

/** The rest of the name is a hash of what was asked for. */
export const VISIT_COOKIE = "sluice-wait-";
/** Before the name, over TLS (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2). */
export const THIS_HOST_ONLY = "__Host-";

/** With what divides it from the one before; the runtime joins several lines by a comma (workerd 2026-11-17). */
const WITH_DIVIDER = new RegExp(`(?:^|[;,])\\s*(?:${THIS_HOST_ONLY})?${VISIT_COOKIE}[^;,]*`, "g");

/** Takes them out of the request's cookies, and leaves the others to the byte: some have commas in their values. */
export function dropVisitCookies(headers: Headers): void {
  const cookies = headers.get("cookie");
  if (!cookies?.includes(VISIT_COOKIE)) return;
  const others = cookies.replace(WITH_DIVIDER, "").replace(/^[;,\s]+/, "");
  if (others === "") headers.delete("cookie");
  else headers.set("cookie", others);
}
