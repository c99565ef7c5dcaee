import type { PoolConfig } from "../config/types.ts";
import type { HeldLease } from "../link/held-lease.ts";
import type { RequestBody, Upload } from "./request-body.ts";
import type { RequestTarget } from "./target.ts";

/** The request to the server: method, path, query and body as they came, with `headers`. */
export function serverRequest(
  from: {
    request: Request;
    target: RequestTarget;
    pool: PoolConfig;
    body: RequestBody;
    content: Upload["content"];
    lease: HeldLease;
  },
  headers: Headers,
): { target: string | Request; init: RequestInit } {
  const { request, pool, body } = from;
  const init: RequestInit = {
    headers,
    redirect: "manual",
    // Without this the runtime would unpack an encoded body and pack it anew.
    encodeResponseBody: "manual",
  };
  let url = from.lease.server.url + from.target.pathAndQuery;
  if (pool.hostHeader === "client" && cameThroughCloudflare(request)) {
    const server = new URL(from.lease.server.url);
    const client = new URL(from.target.origin);
    url = `${server.protocol}//${client.hostname}${server.port && `:${server.port}`}${from.target.pathAndQuery}`;
    init.cf = { resolveOverride: server.hostname };
  }
  // A body with GET or HEAD cannot be given in `init`, not even the method beside it, only taken over with its request.
  // A Request's body can be consumed once: one that may be sent again is sent as a copy.
  if (body.onRequest) return { target: new Request(url, body.atHand ? request.clone() : request), init };
  return { target: url, init: { ...init, method: request.method, body: from.content } };
}

/** `resolveOverride` does nothing elsewhere: the request would go to the client's host, which is ourselves. */
function cameThroughCloudflare(request: Request): boolean {
  return request.headers.has("cf-ray");
}
