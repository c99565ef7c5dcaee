/** From `env.POOLS` to a Config, or to the list of everything that is wrong with it. */
import { problemsOf } from "./fields.ts";
import { isName, NAME_ALLOWED } from "./names.ts";
import { poolKeys } from "./pool.ts";
import { type Problem, shown, written } from "./problem.ts";
import { sharedRoutes } from "./shared-routes.ts";
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

export function parseConfig(pools: unknown): Config {
  const { pools: parsed, problems } = readPools(pools);
  if (problems.length > 0) throw new ConfigError(problems.map(written));
  return { pools: parsed };
}

/** The pools that are right in themselves, and everything that is wrong, also between pools. */
export function readPools(pools: unknown): { pools: Map<string, PoolConfig>; problems: Problem[] } {
  const parsed = new Map<string, PoolConfig>();
  const wrong = notTables(pools);
  if (wrong !== null) return { pools: parsed, problems: [{ path: ["POOLS"], text: wrong }] };
  // Entries and never lookups by name: a pool may be called "constructor".
  const tables: [string, unknown][] = Object.entries(pools as object);
  const problems: Problem[] = [];
  for (const [name, given] of tables) {
    if (!isName(name)) {
      problems.push({
        path: ["POOLS", name],
        text: `${shown(name)} is not a pool name; allowed: ${NAME_ALLOWED}`,
      });
    }
    const result = poolKeys.safeParse(given);
    if (result.success) parsed.set(name, { name, ...result.data });
    else {
      for (const { path, text } of result.error.issues.flatMap(problemsOf))
        problems.push({ path: ["POOLS", name, ...path], text });
    }
  }
  problems.push(...sharedRoutes(tables));
  return { pools: parsed, problems };
}

function notTables(pools: unknown): string | null {
  if (pools === undefined) return `missing; allowed: ${EXAMPLE}`;
  if (typeof pools !== "object" || pools === null || Array.isArray(pools)) {
    return `${shown(pools)} is not a table; allowed: ${EXAMPLE}`;
  }
  return Object.keys(pools).length === 0 ? `${shown(pools)} has no pool; allowed: ${EXAMPLE}` : null;
}
