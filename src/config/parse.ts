/** From `env.POOLS` to a Config, or to the list of all its problems. */
import * as z from "zod/mini";
import { NO_BINDINGS } from "./bindings.ts";
import { problemsOf } from "./fields.ts";
import { isName, NAME_ALLOWED } from "./names.ts";
import { poolKeys, routingKeys } from "./pool.ts";
import { inspect, type Problem, pathOf, problemLine } from "./problem.ts";
import { identified } from "./servers.ts";
import type { Config, PoolConfig } from "./types.ts";

const EXAMPLE =
  'a table [vars.POOLS.<name>] for each pool in wrangler.toml, at least [vars.POOLS.web] with servers = [{ name = "web-1", url = "https://web-1.example.com" }]';

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

export function parseConfig(pools: unknown, bindings = NO_BINDINGS): Config {
  const { pools: parsed, problems } = readPools(pools, bindings);
  if (problems.length > 0) throw new ConfigError(problems.map(problemLine));
  return { pools: parsed };
}

/** The pools that are valid by themselves, and all problems, those between pools included. */
export function readPools(
  pools: unknown,
  bindings = NO_BINDINGS,
): { pools: Map<string, PoolConfig>; problems: Problem[] } {
  const parsed = new Map<string, PoolConfig>();
  const wrong = notTables(pools);
  if (wrong !== null) return { pools: parsed, problems: [{ path: ["POOLS"], text: wrong }] };
  // Never looked up by name: a pool may be called "constructor".
  const tables: [string, unknown][] = Object.entries(pools as object);
  const problems: Problem[] = [];
  for (const [name, given] of tables) {
    if (!isName(name)) {
      problems.push({
        path: ["POOLS", name],
        text: `${inspect(name)} is not a pool name; allowed: ${NAME_ALLOWED}`,
      });
    }
    const result = poolKeys.safeParse(given);
    const found: Problem[] = result.success ? [] : result.error.issues.flatMap(problemsOf);
    if (result.success) {
      const { servers, problems: ofServers } = identified(result.data.servers, bindings);
      parsed.set(name, { name, ...result.data, servers });
      found.push(...ofServers);
    }
    for (const { path, text } of found) problems.push({ path: ["POOLS", name, ...path], text });
  }
  problems.push(...sharedRoutes(tables));
  return { pools: parsed, problems };
}

function notTables(pools: unknown): string | null {
  if (pools === undefined) return `missing; allowed: ${EXAMPLE}`;
  if (typeof pools !== "object" || pools === null || Array.isArray(pools)) {
    return `${inspect(pools)} is not a table; allowed: ${EXAMPLE}`;
  }
  return Object.keys(pools).length === 0 ? `${inspect(pools)} has no pool; allowed: ${EXAMPLE}` : null;
}

/** Parses the routing keys of an invalid pool too, so that one run reports its conflicts as well. */
const routing = z.object(routingKeys);

/** Two pools with the same host and prefix: the order of the pools would decide which one serves a request. */
function sharedRoutes(tables: readonly [string, unknown][]): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, given] of tables) {
    const { data } = routing.safeParse(given);
    for (const host of new Set(data?.hosts)) {
      const route = `${host} ${data?.path_prefix}`;
      const owner = owners.get(route);
      if (owner === undefined) owners.set(route, name);
      else {
        const same = `${inspect(host)} with path_prefix ${inspect(data?.path_prefix)}`;
        problems.push({
          path: ["POOLS", name, "hosts"],
          text: `${same} belongs to ${pathOf(["POOLS", owner])} already; allowed: hosts, or a path_prefix, that no other pool has`,
        });
      }
    }
  }
  return problems;
}
