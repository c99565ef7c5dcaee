/** How a server is reached, and what of the configuration's it is sent. */
import { bindingsOf, bound } from "../config/bindings.ts";
import { mayRegister } from "../config/register.ts";
import type { RequestHeaders } from "../config/request-headers.ts";
import { objectNameOf } from "../config/server-identity.ts";
import type { PoolConfig, ReachedServer, ServerAddress, ServerConfig } from "../config/types.ts";

/** `fetch`, as far as Sluice uses it. */
export type ServerFetch = (target: string | Request, init: RequestInit) => Promise<Response>;

/** The Worker cannot reach the server: it is of an earlier version, whose configuration has no such binding. */
export class NoBinding extends Error {}

/** A header cannot be sent: the Worker does not have the secret that it takes. */
export class NoSecret extends Error {}

/** True if `fetchOf` does not throw. */
export function isReachedBy(env: object, { binding }: ServerAddress): boolean {
  return binding === null || bindingsOf(env).kindOf(binding) !== null;
}

/** Throws `NoBinding`. */
export function fetchOf(env: object, { name, binding }: ServerAddress & { name: string }): ServerFetch {
  if (binding === null) return (target, init) => fetch(target, init);
  const kind = bindingsOf(env).kindOf(binding);
  if (kind === null) throw new NoBinding(`${binding} is no binding of this Worker that reaches servers`);
  const found = bound(env, binding);
  const server =
    kind === "namespace"
      ? (found as DurableObjectNamespace).getByName(objectNameOf(name))
      : (found as Fetcher);
  return (target, init) => server.fetch(target, init);
}

/**
 * The headers that the configuration adds to what the server is sent, by their names in lower case. Throws `NoSecret`.
 */
export function addedHeaders(
  env: object,
  { servers, headers: ofAll, register }: PoolConfig,
  server: ReachedServer,
): [name: string, value: string][] {
  const { name, url, binding, registered } = server;
  // Another version may have given the name to another server, which must not get this one's key. A server that the
  // configuration has no more gets what its pool's others get.
  const isSame = (one: ServerConfig) => one.name === name && one.url === url && one.binding === binding;
  const own = servers.find(isSame)?.headers;
  if (own === undefined && registered && !mayRegister(register, server))
    return withSecrets(env, ofAll.filter(isOpen));
  return withSecrets(env, own ?? ofAll);
}

/** The headers with the values that secrets hold. Throws `NoSecret`. */
export function withSecrets(env: object, headers: RequestHeaders): [name: string, value: string][] {
  return headers.map(([header, value]) => [
    header,
    typeof value === "string" ? value : secretOf(env, value.secret),
  ]);
}

const isOpen = ([, value]: RequestHeaders[number]) => typeof value === "string";

/** `parseConfig` refuses a configuration without its secrets. If one is missing all the same, nothing is sent. */
function secretOf(env: object, name: string): string {
  const secret = bound(env, name);
  if (typeof secret === "string") return secret;
  throw new NoSecret(`there is no secret ${name}, which headers take`);
}
