import type { ServerAddress } from "../config/types.ts";
import type { CarriedRequest } from "./carried-request.ts";

export interface BodyLength {
  /** In bytes; `null`: unknown until the body ends. */
  length: number | null;
  /** True if `Content-Length` is to be corrected or removed before the client gets it. */
  misstated: boolean;
}

/**
 * The length of a response's body. `Transfer-Encoding` overrides `Content-Length` (RFC 9112, 6.3). A repeated
 * `Content-Length` has the same value each time, because the runtime refuses the response otherwise (workerd
 * 2026-11-17).
 */
export function bodyLengthOf(headers: Headers): BodyLength {
  const stated = headers.get("content-length");
  if (stated === null) return { length: null, misstated: false };
  if (headers.has("transfer-encoding")) return { length: null, misstated: true };
  const length = Number.parseInt(stated, 10);
  // The runtime accepts lengths of up to 63 bits.
  if (!Number.isSafeInteger(length)) return { length: null, misstated: true };
  return { length, misstated: stated.includes(",") };
}

/** Makes a reason phrase acceptable to `Response`, which throws at a tab although HTTP allows one (RFC 9112, 4). */
export function reasonOf(statusText: string): string {
  return statusText.replace(/[^\x20-\x7e]/g, " ");
}

/** Turns the server's response headers, in place, into those for the client. */
export function toClient(
  headers: Headers,
  carried: CarriedRequest,
  server: ServerAddress,
  { length, misstated }: BodyLength,
): void {
  const { target, trace } = carried;
  dropHopByHop(headers);
  if (!seesClientsHost(carried, server)) {
    mapOrigin(headers, "Location", server.url, target.origin);
    mapOrigin(headers, "Content-Location", server.url, target.origin);
  }
  if (misstated && length !== null) headers.set("Content-Length", String(length));
  else if (misstated) headers.delete("Content-Length");
  headers.set("X-Request-Id", trace.requestId);
  headers.append("Server-Timing", `queue;dur=${trace.queueMs}, origin;dur=${trace.originMs}`);
}

/**
 * True if the server is asked by the client's host instead of its own. That is Cloudflare's `resolveOverride`, of which
 * `cf-ray` tells: elsewhere the request would go to the client's host, to us.
 */
export function seesClientsHost({ pool, request }: CarriedRequest, { binding }: ServerAddress): boolean {
  return pool.hostHeader === "client" && binding === null && request.headers.has("cf-ray");
}

/** Replaces the origin in a header's URL if it is exactly `from`: `http://a/x` becomes `http://b/x`. */
export function mapOrigin(headers: Headers, name: string, from: string, to: string): void {
  const value = headers.get(name);
  if (!value?.toLowerCase().startsWith(from)) return;
  const rest = value.slice(from.length);
  if (rest === "" || rest.startsWith("/") || rest.startsWith("?") || rest.startsWith("#")) {
    headers.set(name, to + rest);
  }
}

/**
 * Headers that are hop-by-hop, so not forwarded, even if `Connection` does not list them (RFC 9110, 7.6.1). A proxy's
 * challenges and credentials are meant for the next hop only (RFC 9110, 11.7).
 * On a connection, the runtime itself drops `Connection`, `TE`, `Trailer`, `Transfer-Encoding` and every `Upgrade` but a
 * WebSocket's; to and from what is behind a binding it drops none (workerd 2026-11-17).
 */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
];

/**
 * End-to-end headers, which stay even if `Connection` lists them. Removing the framing and coding of a body would
 * change the body; removing what Cloudflare or Sluice says about the client would let it pass for another client.
 */
const END_TO_END =
  /^(?:content-|cf-|true-client-ip$|x-forwarded-|x-real-ip$|x-request-id$|sec-websocket-|host$|transfer-encoding$|upgrade$)/;

/** `names`: of all `headers`, where they are known; looking for one that is not there costs as much as finding it. */
export function dropHopByHop(headers: Headers, names?: readonly string[]): void {
  const mayHave = (name: string) => names?.includes(name) ?? true;
  const options = mayHave("connection") ? headers.get("connection")?.split(",") : undefined;
  for (const option of options ?? []) {
    const name = option.trim().toLowerCase();
    if (NAME.test(name) && !END_TO_END.test(name)) headers.delete(name);
  }
  for (const name of HOP_BY_HOP) if (mayHave(name)) headers.delete(name);
  if (mayHave("upgrade") && headers.get("upgrade")?.toLowerCase() !== "websocket") headers.delete("upgrade");
}

/** A valid header name (RFC 9110, 5.6.2); `Headers.delete` throws at others. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
