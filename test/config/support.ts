import { ConfigError, parseConfig } from "../../src/config/parse.ts";
import type { PoolConfig } from "../../src/config/types.ts";

/** The only required key of a pool; may be that of several. */
export const SERVERS = [{ name: "web-1", url: "https://web-1.example.com", shared: true }];

/** POOLS with a single pool `web`: its servers and these keys. */
export function web(keys: Record<string, unknown> = {}): Record<string, unknown> {
  return { web: { servers: SERVERS, ...keys } };
}

export function parseWeb(keys: Record<string, unknown> = {}): PoolConfig {
  return poolOf(web(keys), "web");
}

export function poolOf(pools: unknown, name: string): PoolConfig {
  const pool = parseConfig({ POOLS: pools }).pools.get(name);
  if (pool === undefined) throw new Error(`no pool ${name}`);
  return pool;
}

export function problemsOf(pools: unknown): string[] {
  try {
    parseConfig({ POOLS: pools });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
