import type { ReachedServer } from "../config/types.ts";
import { addedHeaders, fetchOf, type ServerFetch } from "../servers/fetcher.ts";
import type { CarriedRequest } from "./carried-request.ts";
import { dropHopByHop, mapOrigin, seesClientsHost } from "./headers.ts";
import { setTraceContext } from "./trace-context.ts";
import { dropVisitCookies } from "./visit-cookies.ts";

type AddedHeaders = ReturnType<typeof addedHeaders>;

/**
 * Makes the arguments of `fetch` for a request to the server: method, path, query and body are the client's. `content`:
 * the body; ignored if that stays on its request.
 */
export function serverRequest(
  carried: CarriedRequest,
  server: ReachedServer,
  content: Uint8Array | ReadableStream | null,
): { fetch: ServerFetch; target: string | Request; init: RequestInit } {
  const { env, request, target, body } = carried;
  const fetch = fetchOf(env, server);
  const init: RequestInit = {
    headers: toServer(carried, server),
    redirect: "manual",
    // Otherwise the runtime would decompress an encoded body and compress it again.
    encodeResponseBody: "manual",
  };
  let url = server.url + target.pathAndQuery;
  if (seesClientsHost(carried, server)) {
    const { protocol, port, hostname } = new URL(server.url);
    const client = new URL(target.origin);
    url = `${protocol}//${client.hostname}${port && `:${port}`}${target.pathAndQuery}`;
    init.cf = { resolveOverride: hostname };
  }
  // The body of a GET or HEAD can be passed only on a Request, and `init` must then not even name the method. A
  // Request's body can be consumed once, so one that may be sent again is sent from a clone.
  if (body.staysOnRequest)
    return { fetch, target: new Request(url, body.isReplayable ? request.clone() : request), init };
  return { fetch, target: url, init: { ...init, method: request.method, body: content } };
}

function toServer(carried: CarriedRequest, server: ReachedServer): Headers {
  const { env, request, target, pool, trace } = carried;
  const added = addedHeaders(env, pool, server);
  const headers = new Headers(request.headers);
  const names = [...headers.keys()];
  const client = names.includes("cf-connecting-ip") ? headers.get("cf-connecting-ip") : null;
  replaceForgeable(headers, names, client, added);
  dropHopByHop(headers, names);
  if (names.includes("cookie")) dropVisitCookies(headers);
  if (client) appendForwardedFor(headers, client);
  headers.set("X-Forwarded-Proto", target.origin.startsWith("https:") ? "https" : "http");
  headers.set("X-Forwarded-Host", target.host);
  headers.set("X-Request-Id", trace.requestId);
  setTraceContext(headers, trace.context);
  if (!seesClientsHost(carried, server)) mapOrigin(headers, "Destination", target.origin, server.url);
  for (const [header] of added) if (header.includes("_")) headers.delete(dashed(header));
  for (const [header, value] of added) headers.set(header, value);
  return headers;
}

/**
 * Lets no header through in which a client could forge what Sluice says of it (spoofing), or what `added` has: those that
 * state its address are corrected if that is known, all others go. Each name is looked at once, as every request pays
 * for this.
 */
function replaceForgeable(
  headers: Headers,
  names: readonly string[],
  client: string | null,
  added: AddedHeaders,
): void {
  for (const name of names) {
    if (client && ADDRESS_HEADERS.has(name)) headers.set(name, client);
    else if (ADDRESS_HEADERS.has(name) || ORIGIN_HEADERS.has(name) || isLookalike(name, added))
      headers.delete(name);
  }
}

/** Many servers (CGI, WSGI, PHP) take X_Real_IP for X-Real-IP, so a client could forge what it says. */
function isLookalike(name: string, added: AddedHeaders): boolean {
  if (!name.includes("_")) return false;
  const taken = dashed(name);
  if (OF_CLIENT.test(taken) || ADDRESS_HEADERS.has(taken) || ORIGIN_HEADERS.has(taken)) return true;
  return added.some(([header]) => dashed(header) === taken);
}

function dashed(name: string): string {
  return name.replaceAll("_", "-");
}

/** Headers that say who the client is, whoever sets them. */
const OF_CLIENT = /^(?:x-forwarded-.*|x-request-id|cf-.*)$/;

/**
 * Headers in which other proxies state the client's address. Some frameworks trust one of them before X-Forwarded-For:
 * Rails Client-IP, chi True-Client-IP.
 */
const ADDRESS_HEADERS = new Set([
  "x-real-ip",
  "x-client-ip",
  "client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "fastly-client-ip",
]);

/** Headers in which other proxies state the requested scheme, host or port; `Forwarded` states all three (RFC 7239). */
const ORIGIN_HEADERS = new Set([
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

function appendForwardedFor(headers: Headers, client: string): void {
  const chain = headers.get("x-forwarded-for");
  const last = chain?.split(",").at(-1)?.trim();
  if (last !== client) headers.append("X-Forwarded-For", client);
}
