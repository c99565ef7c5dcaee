/** Who asks, for what and how, as servers read it from headers. */
import type { RequestTarget } from "./target.ts";

/** Other proxies' words for the client's address: Rails trusts the third, chi the last but one before it looks further. */
const ADDRESSES = new Set([
  "x-real-ip",
  "x-client-ip",
  "client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "fastly-client-ip",
]);

/** Other proxies' words for what is in our `X-Forwarded-Proto` and `X-Forwarded-Host`, or in `Forwarded` all of it. */
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

/** Says so in `X-Forwarded-*`. What a client claims in other words must not stand beside that and be believed. */
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
