/** Which pool serves a request: the most specific host wins, then the longest path prefix. */
import type { Config, PoolConfig } from "./types.ts";

interface Routes {
  /** The only pool, if it serves every request: the usual case, which needs no lookup. */
  everything: PoolConfig | undefined;
  exact: Map<string, Route[]>;
  /** By parent domain: `*.example.com` under `example.com`. */
  wildcard: Map<string, Route[]>;
  any: Route[];
}

/** One prefix of a pool. */
interface Route {
  prefix: string;
  pool: PoolConfig;
}

const cache = new WeakMap<Config, Routes>();

/** `host` as in a request's URL or Host header, with or without a port; `path` without the query. */
export function poolFor(config: Config, host: string, path: string): PoolConfig | undefined {
  let routes = cache.get(config);
  if (routes === undefined) {
    routes = prepare(config);
    cache.set(config, routes);
  }
  return routes.everything ?? search(routes, plainHost(host), path);
}

/** True if this host has some of the pool's paths. */
export function servesPool(config: Config, host: string, { name, pathPrefixes }: PoolConfig): boolean {
  return pathPrefixes.some((prefix) => poolFor(config, host, prefix)?.name === name);
}

/** True if both are the same host, whatever the port. */
export function isSameHost(one: string, other: string): boolean {
  return plainHost(one) === plainHost(other);
}

function search(routes: Routes, host: string, path: string): PoolConfig | undefined {
  const exact = match(routes.exact.get(host), path);
  if (exact !== undefined) return exact;
  if (routes.wildcard.size > 0) {
    // From the leftmost dot on: the longest wildcard first, and never the apex, which no dot precedes.
    for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
      const wildcard = match(routes.wildcard.get(host.slice(dot + 1)), path);
      if (wildcard !== undefined) return wildcard;
    }
  }
  return match(routes.any, path);
}

/** `routes` are ordered by the length of their prefix, longest first. */
function match(routes: Route[] | undefined, path: string): PoolConfig | undefined {
  return routes?.find(({ prefix }) => path.startsWith(prefix))?.pool;
}

function plainHost(host: string): string {
  // A trailing dot makes the same host fully qualified.
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}

function prepare(config: Config): Routes {
  const ordered = [...config.pools.values()]
    .flatMap((pool) => pool.pathPrefixes.map((prefix): Route => ({ prefix, pool })))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const routes: Routes = { everything: undefined, exact: new Map(), wildcard: new Map(), any: [] };
  for (const route of ordered) {
    for (const host of route.pool.hosts) {
      if (host === "*") routes.any.push(route);
      else if (host.startsWith("*.")) append(routes.wildcard, host.slice(2), route);
      else append(routes.exact, host, route);
    }
  }
  if (config.pools.size === 1) routes.everything = routes.any.find(({ prefix }) => prefix === "/")?.pool;
  return routes;
}

function append(routes: Map<string, Route[]>, host: string, route: Route): void {
  const own = routes.get(host);
  if (own) own.push(route);
  else routes.set(host, [route]);
}
