/** Which pool serves a request: the most specific host wins, then the longest path prefix. */
import type { Config, PoolConfig } from "./types.ts";

interface Routes {
  /** The only pool, if it serves every request: the usual case, which needs no lookup. */
  everything: PoolConfig | undefined;
  exact: Map<string, PoolConfig[]>;
  /** By parent domain: `*.example.com` under `example.com`. */
  wildcard: Map<string, PoolConfig[]>;
  any: PoolConfig[];
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
export function servesPool(config: Config, host: string, { name, pathPrefix }: PoolConfig): boolean {
  return poolFor(config, host, pathPrefix)?.name === name;
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

/** `pools` are ordered by the length of their prefix, longest first. */
function match(pools: PoolConfig[] | undefined, path: string): PoolConfig | undefined {
  return pools?.find((pool) => path.startsWith(pool.pathPrefix));
}

function plainHost(host: string): string {
  // A trailing dot makes the same host fully qualified.
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}

function prepare(config: Config): Routes {
  const pools = [...config.pools.values()].sort((a, b) => b.pathPrefix.length - a.pathPrefix.length);
  const routes: Routes = { everything: undefined, exact: new Map(), wildcard: new Map(), any: [] };
  for (const pool of pools) {
    for (const host of pool.hosts) {
      if (host === "*") routes.any.push(pool);
      else if (host.startsWith("*.")) append(routes.wildcard, host.slice(2), pool);
      else append(routes.exact, host, pool);
    }
  }
  const [first] = routes.any;
  if (pools.length === 1 && first?.pathPrefix === "/") routes.everything = first;
  return routes;
}

function append(routes: Map<string, PoolConfig[]>, host: string, pool: PoolConfig): void {
  const pools = routes.get(host);
  if (pools) pools.push(pool);
  else routes.set(host, [pool]);
}
