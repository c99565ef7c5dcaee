/** Hop-by-hop headers: they are about one connection, and a proxy does not forward them (RFC 9110, 7.6.1). */

/**
 * Those that need no `Connection` to name them. Credentials for a proxy are for the next one only (RFC 9110, 11.7).
 * The runtime itself drops `Connection`, `TE`, `Trailer`, `Transfer-Encoding` and every `Upgrade` but a
 * WebSocket's (workerd 2026-11-17).
 */
const ALWAYS = [
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
];

/**
 * What `Connection` may not name, since it is for everybody on the way. Without its framing and coding a body is
 * another one; without what Cloudflare or we say of a client, a server would take it for somebody else.
 */
const END_TO_END =
  /^(?:content-|cf-|true-client-ip$|x-forwarded-|x-real-ip$|x-request-id$|sec-websocket-|host$|transfer-encoding$|upgrade$)/;

export function dropHopByHop(headers: Headers): void {
  for (const name of ALWAYS) headers.delete(name);
  for (const option of headers.get("connection")?.split(",") ?? []) {
    const name = option.trim().toLowerCase();
    if (NAME.test(name) && !END_TO_END.test(name)) headers.delete(name);
  }
}

/** A header's name (RFC 9110, 5.6.2); `delete` throws at any other. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
