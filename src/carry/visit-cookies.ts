/** The cookies by which browsers keep their places (`waiting_page`). They are Sluice's: no server gets one. */

/** The rest of the name is a hash of what was asked for. */
export const VISIT_COOKIE = "sluice-wait-";

/** Takes them out of the request's cookies. */
export function dropVisitCookies(headers: Headers): void {
  const cookies = headers.get("cookie");
  if (!cookies?.includes(VISIT_COOKIE)) return;
  // The runtime joins several lines by a comma (workerd 2026-11-17), which no cookie's value has (RFC 6265).
  const others = cookies.split(/[;,]/).filter((cookie) => !cookie.trimStart().startsWith(VISIT_COOKIE));
  const rest = others.join(";").trim();
  if (rest === "") headers.delete("cookie");
  else headers.set("cookie", rest);
}
