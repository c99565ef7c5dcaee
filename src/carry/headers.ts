import type { CarriedRequest } from "./carried-request.ts";

export interface BodyLength {
  /** `null`: the body's end will tell. */
  length: number | null;
  /** The header does not say just that. */
  misstated: boolean;
}

/**
 * Of a response's body. Said twice, the length is the same both times, or the runtime has refused the response
 * (workerd 2026-11-17). Chunks overrule it (RFC 9112, 6.3).
 */
export function bodyLengthOf(headers: Headers): BodyLength {
  const stated = headers.get("content-length");
  if (stated === null) return { length: null, misstated: false };
  if (headers.has("transfer-encoding")) return { length: null, misstated: true };
  const length = Number.parseInt(stated, 10);
  // One that cannot be counted; the runtime takes any of 63 bits.
  if (!Number.isSafeInteger(length)) return { length: null, misstated: true };
  return { length, misstated: stated.includes(",") };
}

/** A reason phrase as `Response` takes it: a tab is allowed in one (RFC 9112, 4), and refused there. */
export function reasonOf(statusText: string): string {
  return statusText.replace(/[^\x20-\x7e]/g, " ");
}

/** Makes the server's headers, on the response to the client, those that the client gets. */
export function toClient(
  headers: Headers,
  { pool, target, trace }: CarriedRequest,
  serverUrl: string,
  { length, misstated }: BodyLength,
): void {
  dropHopByHop(headers);
  if (pool.hostHeader === "server") {
    mapOrigin(headers, "Location", serverUrl, target.origin);
    mapOrigin(headers, "Content-Location", serverUrl, target.origin);
  }
  if (misstated && length !== null) headers.set("Content-Length", String(length));
  else if (misstated) headers.delete("Content-Length");
  headers.set("X-Request-Id", trace.requestId);
  headers.append("Server-Timing", `queue;dur=${trace.queueMs}, origin;dur=${trace.originMs}`);
}

/** `http://a/x` → `http://b/x` where it names exactly origin a; anything else stays as it is. */
export function mapOrigin(headers: Headers, name: string, from: string, to: string): void {
  const value = headers.get(name);
  if (!value?.toLowerCase().startsWith(from)) return;
  const rest = value.slice(from.length);
  if (rest === "" || rest.startsWith("/") || rest.startsWith("?") || rest.startsWith("#")) {
    headers.set(name, to + rest);
  }
}

/**
 * Hop-by-hop headers, which are about one connection and are not forwarded (RFC 9110, 7.6.1): those that need no
 * `Connection` to name them. Credentials for a proxy are for the next one only (RFC 9110, 11.7).
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
