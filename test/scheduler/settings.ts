import { parseConfig } from "../../src/config/parse.ts";
import type { IdentifiedServer, PoolConfig } from "../../src/config/types.ts";

/** A pool's settings from what wrangler.toml would say; two servers unless given. */
export function settings(keys: Record<string, unknown> = {}): PoolConfig {
  const servers = [
    { name: "a", url: "http://a.example" },
    { name: "b", url: "http://b.example" },
  ];
  const pool = parseConfig({ POOLS: { web: { servers, ...keys } } }).pools.get("web");
  if (!pool) throw new Error("no pool");
  return pool;
}

/** As the scheduler knows the server of this name, of `http://<name>.example`. */
export function serverAt(name: string): IdentifiedServer {
  const url = `http://${name}.example`;
  return { name, url, binding: null, identity: url };
}
