/** From `POOLS` and its further variables to a Config, or to the list of all its problems. */
import * as z from "zod/mini";
import { type Bindings, NO_BINDINGS } from "./bindings.ts";
import { problemsOf } from "./fields.ts";
import { limitsPerFlow } from "./flow.ts";
import { secretsInLog } from "./log-headers.ts";
import { isName, NAME_ALLOWED } from "./names.ts";
import { wrongPages } from "./pages.ts";
import { type ParsedPool, poolKeys, routingKeys } from "./pool.ts";
import { inspect, type Problem, pathOf, problemLine } from "./problem.ts";
import { identified } from "./servers.ts";
import { type PlacedPool, sharedServers } from "./shared-servers.ts";
import type { Config, PoolConfig } from "./types.ts";
import { poolVariables } from "./variables.ts";
import { wrongWaitingPage } from "./waiting-page.ts";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** `vars`: the Worker's variables, of which those of pools are read. */
export function parseConfig(vars: object, bindings = NO_BINDINGS): Config {
  const { pools: parsed, problems } = readPools(vars, bindings);
  if (problems.length > 0) throw new ConfigError(problems.map(problemLine));
  return { pools: parsed };
}

/** The pools that are valid by themselves, and all problems, those between pools included. */
export function readPools(
  vars: object,
  bindings = NO_BINDINGS,
): { pools: Map<string, PoolConfig>; problems: Problem[] } {
  const { tables, problems } = tablesIn(vars);
  const parsed: PlacedPool[] = [];
  for (const { variable, name, given } of tables) {
    if (!isName(name)) {
      problems.push({
        path: [variable, name],
        text: `${inspect(name)} is not a pool name; allowed: ${NAME_ALLOWED}`,
      });
    }
    const result = poolKeys.safeParse(given);
    const found: Problem[] = result.success ? [] : result.error.issues.flatMap(problemsOf);
    if (result.success) {
      const { servers, problems: ofServers } = identified(result.data, bindings);
      parsed.push({ path: [variable, name], pool: { name, ...result.data, servers } });
      found.push(...ofServers, ...wrongNames(result.data, bindings), ...limitsPerFlow(result.data));
    }
    for (const { path, text } of found) problems.push({ path: [variable, name, ...path], text });
  }
  problems.push(...sharedRoutes(tables), ...sharedServers(parsed));
  return { pools: new Map(parsed.map(({ pool }) => [pool.name, pool])), problems };
}

/** What is wrong with the names of variables and headers; paths begin at the pool. */
function wrongNames(pool: ParsedPool, bindings: Bindings): Problem[] {
  const { servers, headers, pages, logHeaders } = pool;
  const all = [...headers, ...servers.flatMap((server) => server.headers)];
  return [
    ...wrongPages(pages, all, bindings),
    ...wrongWaitingPage(pool, bindings),
    ...secretsInLog(logHeaders, all),
  ];
}

/** A pool as it is written, and in which variable. */
interface Table {
  variable: string;
  name: string;
  given: unknown;
}

/** Every pool once, under its name. */
function tablesIn(vars: object): { tables: Table[]; problems: Problem[] } {
  const tables = new Map<string, Table>();
  const problems: Problem[] = [];
  for (const variable of poolVariables(vars)) {
    const pools: unknown = (vars as Record<string, unknown>)[variable];
    const wrong = notTables(pools, variable);
    if (wrong !== null) {
      problems.push({ path: [variable], text: wrong });
      continue;
    }
    // Never looked up by name: a pool may be called "constructor".
    for (const [name, given] of Object.entries(pools as object)) {
      const earlier = tables.get(name);
      if (earlier === undefined) tables.set(name, { variable, name, given });
      else problems.push({ path: [variable, name], text: alreadyIn(earlier) });
    }
  }
  return { tables: [...tables.values()], problems };
}

function notTables(pools: unknown, variable: string): string | null {
  const example = `a table [vars.${variable}.<name>] for each pool in wrangler.toml, at least [vars.${variable}.web] with servers = [{ name = "web-1", url = "https://web-1.example.com" }]`;
  if (pools === undefined) return `missing; allowed: ${example}`;
  if (typeof pools !== "object" || pools === null || Array.isArray(pools)) {
    return `${inspect(pools)} is not a table; allowed: ${example}`;
  }
  return Object.keys(pools).length === 0 ? `${inspect(pools)} has no pool; allowed: ${example}` : null;
}

function alreadyIn({ variable, name }: Table): string {
  return `${inspect(name)} is in ${variable} already; allowed: a name that no other pool has`;
}

/** Parses the routing keys of an invalid pool too, so that one run reports its conflicts as well. */
const routing = z.object(routingKeys);

/** Each host with each prefix, once. */
function routesOf(keys: z.output<typeof routing> | undefined): [host: string, prefix: string][] {
  const prefixes = [...new Set([keys?.path_prefix ?? []].flat())];
  return [...new Set(keys?.hosts)].flatMap((host) =>
    prefixes.map((prefix): [string, string] => [host, prefix]),
  );
}

/** Two pools with the same host and prefix: the order of the pools would decide which one serves a request. */
function sharedRoutes(tables: readonly Table[]): Problem[] {
  const owners = new Map<string, Table>();
  const problems: Problem[] = [];
  for (const table of tables) {
    const { data } = routing.safeParse(table.given);
    for (const [host, prefix] of routesOf(data)) {
      const route = `${host} ${prefix}`;
      const owner = owners.get(route);
      if (owner === undefined) owners.set(route, table);
      else {
        const same = `${inspect(host)} with path_prefix ${inspect(prefix)}`;
        problems.push({
          path: [table.variable, table.name, "hosts"],
          text: `${same} belongs to ${pathOf([owner.variable, owner.name])} already; allowed: hosts, or a path_prefix, that no other pool has`,
        });
      }
    }
  }
  return problems;
}
