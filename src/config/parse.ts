/** From `env.POOLS` to a Config, or to the list of everything that is wrong with it. */
import type * as z from "zod/mini";
import { isName, NAME_ALLOWED } from "./names.ts";
import { poolKeys } from "./pool.ts";
import { pathOf, shown } from "./problem.ts";
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
  const tables = tablesOf(pools);
  const parsed = new Map<string, PoolConfig>();
  const problems: string[] = [];
  for (const [name, given] of tables) {
    if (!isName(name)) {
      problems.push(
        `${pathOf(["POOLS", name])}: ${shown(name)} is not a pool name; allowed: ${NAME_ALLOWED}`,
      );
    }
    const result = poolKeys.safeParse(given);
    if (result.success) parsed.set(name, { name, ...result.data });
    else problems.push(...result.error.issues.flatMap((issue) => worded(name, issue)));
  }
  problems.push(...sharedRoutes(tables));
  if (problems.length > 0) throw new ConfigError(problems);
  return { pools: parsed };
}

/** Entries and never lookups by name: a pool may be called "constructor". */
function tablesOf(pools: unknown): [string, unknown][] {
  if (pools === undefined) throw new ConfigError([`POOLS: missing; allowed: ${EXAMPLE}`]);
  if (typeof pools !== "object" || pools === null || Array.isArray(pools)) {
    throw new ConfigError([`POOLS: ${shown(pools)} is not a table; allowed: ${EXAMPLE}`]);
  }
  const tables = Object.entries(pools);
  if (tables.length === 0) throw new ConfigError([`POOLS: ${shown(pools)} has no pool; allowed: ${EXAMPLE}`]);
  return tables;
}

function worded(name: string, issue: z.core.$ZodIssue): string[] {
  const path = ["POOLS", name, ...issue.path];
  if (issue.code !== "unrecognized_keys") return [`${pathOf(path)}: ${issue.message}`];
  // The message has a line for each key: fields.ts, table().
  const lines = issue.message.split("\n");
  return issue.keys.map((key, index) => `${pathOf([...path, key])}: ${lines[index]}`);
}
