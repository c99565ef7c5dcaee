import type { CarriedRequest } from "./carried-request.ts";
import { dropHopByHop, mapOrigin } from "./headers.ts";
import type { RequestTarget } from "./target.ts";

/** The request to the server: method, path, query and body as they came. */
export function serverRequest(
  carried: CarriedRequest,
  server: { url: string },
  content: Uint8Array | ReadableStream | null,
): { target: string | Request; init: RequestInit } {
  const { request, target, pool, body } = carried;
  const init: RequestInit = {
    headers: toServer(carried, server.url),
    redirect: "manual",
    // Without this the runtime would unpack an encoded body and pack it anew.
    encodeResponseBody: "manual",
  };
  let url = server.url + target.pathAndQuery;
  if (pool.hostHeader === "client" && cameThroughCloudflare(request)) {
    const { protocol, port, hostname } = new URL(server.url);
    const client = new URL(target.origin);
    url = `${protocol}//${client.hostname}${port && `:${port}`}${target.pathAndQuery}`;
    init.cf = { resolveOverride: hostname };
  }
  // A body with GET or HEAD cannot be given in `init`, not even the method beside it, only taken over with its request.
  // A Request's body can be consumed once: one that may be sent again is sent as a copy.
  if (body.onRequest) return { target: new Request(url, body.atHand ? request.clone() : request), init };
  return { target: url, init: { ...init, method: request.method, body: content } };
}

/** `resolveOverride` does nothing elsewhere: the request would go to the client's host, which is ourselves. */
function cameThroughCloudflare(request: Request): boolean {
  return request.headers.has("cf-ray");
}

/** The request's headers as the server gets them. */
function toServer({ request, target, pool, trace }: CarriedRequest, serverUrl: string): Headers {
  const headers = new Headers(request.headers);
  dropHopByHop(headers);
  setForwarded(headers, target);
  headers.set("X-Request-Id", trace.requestId);
  if (pool.hostHeader === "server") mapOrigin(headers, "Destination", target.origin, serverUrl);
  return headers;
}

/** Other proxies' words for the client's address. Some frameworks believe one of them first: Rails Client-IP, chi True-Client-IP. */
const ADDRESSES = new Set([
  "x-real-ip",
  "x-client-ip",
  "client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "fastly-client-ip",
]);

/** Other proxies' words for the scheme, host and port that were asked for; `Forwarded` says all of it (RFC 7239). */
const OTHERS = new Set([
  "forwarded",
  "x-forwarded",
  "x-forwarded-port",
  "x-forwarded-protocol",
  "x-forwarded-scheme",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-url-scheme",
  "front-end-https",
  "x-host",
  "x-original-host",
]);

/** Sets `X-Forwarded-*`. A client's own claim in other words must not stand beside them and be believed. */
function setForwarded(headers: Headers, target: RequestTarget): void {
  const client = headers.get("cf-connecting-ip");
  correctOthers(headers, client);
  if (client) appendForwardedFor(headers, client);
  headers.set("X-Forwarded-Proto", target.origin.startsWith("https:") ? "https" : "http");
  headers.set("X-Forwarded-Host", target.host);
}

/** An address is corrected where it is known; none is added. */
function correctOthers(headers: Headers, client: string | null): void {
  for (const name of [...headers.keys()]) {
    if (client && ADDRESSES.has(name)) headers.set(name, client);
    else if (ADDRESSES.has(name) || OTHERS.has(name)) headers.delete(name);
  }
}

function appendForwardedFor(headers: Headers, client: string): void {
  const chain = headers.get("x-forwarded-for");
  const last = chain?.split(",").at(-1)?.trim();
  if (last !== client) headers.append("X-Forwarded-For", client);
}
