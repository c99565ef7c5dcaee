/** Who asks, for what and how, as servers read it from headers. */
import type { RequestTarget } from "./target.ts";

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
export function setForwarded(headers: Headers, target: RequestTarget): void {
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
