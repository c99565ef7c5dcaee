import type { CheckConfig, PoolConfig } from "../config/types.ts";
import type { ServerQuestion } from "../scheduler/record/outbox.ts";
import { addedHeaders, fetchOf } from "../servers/fetcher.ts";

/** What a check or a probe asks for, and how the answer has to be. */
export type Wanted = Pick<CheckConfig, "method" | "port" | "host" | "status" | "expect" | "expectHeader">;

/** A probe asks where requests go. */
export const PROBE: Wanted = {
  method: "GET",
  port: null,
  host: null,
  status: "2xx",
  expect: null,
  expectHeader: null,
};

/** Returns where the question goes. */
export function addressOf({ url }: ServerQuestion, { port }: Wanted): URL {
  const address = new URL(url);
  if (port !== null) address.port = String(port);
  return address;
}

/**
 * Sends the question. `proxied`: Cloudflare is known to be in front of the server. Only then the server can be asked by
 * another host than its own, by `resolveOverride`: elsewhere the request would go to that host. Throws as `fetch` does,
 * `NoBinding` and `NoSecret`.
 */
export async function send(
  env: object,
  pool: PoolConfig,
  question: ServerQuestion,
  wanted: Wanted,
  { proxied, signal }: { proxied: boolean; signal: AbortSignal },
): Promise<Response> {
  const { kind, server: name, url, binding, registered } = question;
  const { method, host } = wanted;
  const server = { name, url: new URL(url).origin, binding, registered };
  const headers = new Headers({ "User-Agent": "Sluice", "X-Sluice-Check": kind });
  // What requests tell of the host that their client asked for.
  if (host !== null) headers.set("X-Forwarded-Host", host);
  for (const [header, value] of addedHeaders(env, pool, server)) headers.set(header, value);
  const init: RequestInit = { method, signal, redirect: "manual", headers };
  const address = addressOf(question, wanted);
  if (host !== null && binding === null && proxied) {
    init.cf = { resolveOverride: address.hostname };
    address.hostname = host;
  }
  return fetchOf(env, server)(address.href, init);
}
