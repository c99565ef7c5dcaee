import type { PoolConfig } from "../config/types.ts";
import { setForwarded } from "./forwarded.ts";
import { dropHopByHop } from "./hop-by-hop.ts";
import type { RequestTarget } from "./target.ts";

/** Both ends' names for the same place. Origins, without a trailing slash. */
export interface Origins {
  client: string;
  server: string;
}

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** The client's request id if it is one that can go into a log line, else a new one. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

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

/** The request's headers as the server gets them. */
export function toServer(
  request: Request,
  target: RequestTarget,
  origins: Origins,
  pool: PoolConfig,
  requestId: string,
): Headers {
  const headers = new Headers(request.headers);
  dropHopByHop(headers);
  setForwarded(headers, target);
  headers.set("X-Request-Id", requestId);
  if (pool.hostHeader === "server") mapOrigin(headers, "Destination", origins.client, origins.server);
  return headers;
}

/** Makes the server's headers, on the response to the client, those that the client gets. */
export function toClient(
  headers: Headers,
  origins: Origins,
  pool: PoolConfig,
  trace: { requestId: string; queueMs: number; originMs: number },
  { length, misstated }: BodyLength,
): void {
  dropHopByHop(headers);
  if (pool.hostHeader === "server") {
    mapOrigin(headers, "Location", origins.server, origins.client);
    mapOrigin(headers, "Content-Location", origins.server, origins.client);
  }
  if (misstated && length !== null) headers.set("Content-Length", String(length));
  else if (misstated) headers.delete("Content-Length");
  headers.set("X-Request-Id", trace.requestId);
  headers.append("Server-Timing", `queue;dur=${trace.queueMs}, origin;dur=${trace.originMs}`);
}

/** `http://a/x` → `http://b/x` where it names exactly origin a; anything else stays as it is. */
function mapOrigin(headers: Headers, name: string, from: string, to: string): void {
  const value = headers.get(name);
  if (!value?.toLowerCase().startsWith(from)) return;
  const rest = value.slice(from.length);
  if (rest === "" || rest.startsWith("/") || rest.startsWith("?") || rest.startsWith("#")) {
    headers.set(name, to + rest);
  }
}
