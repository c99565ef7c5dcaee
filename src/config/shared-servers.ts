/** One server in two pools: each counts its own requests only, so that the server may get more than it has slots. */
import { inspect, type Problem, pathOf } from "./problem.ts";
import type { PoolConfig } from "./types.ts";

/** A pool that is valid by itself, and the path of its table. */
export interface PlacedPool {
  path: readonly string[];
  pool: PoolConfig;
}

interface Entry {
  path: PropertyKey[];
  pool: PoolConfig;
  url: string;
  shared: boolean;
}

/** One for all servers that two pools share, unless each of their entries says so. */
export function sharedServers(pools: readonly PlacedPool[]): Problem[] {
  const first = new Map<string, Entry>();
  const problems: Problem[] = [];
  for (const placed of pools) {
    const own = entriesOf(placed);
    const twins = own.flatMap(([id, entry]) => {
      const earlier = first.get(id);
      return earlier === undefined || (earlier.shared && entry.shared) ? [] : [{ earlier, entry }];
    });
    for (const pool of new Set(twins.map(({ earlier }) => earlier.pool))) {
      const [one, ...others] = twins.filter(({ earlier }) => earlier.pool === pool);
      if (one) problems.push(twice(one.entry, one.earlier, others.length));
    }
    for (const [id, entry] of own) if (!first.has(id)) first.set(id, entry);
  }
  return problems;
}

function entriesOf({ path, pool }: PlacedPool): [id: string, entry: Entry][] {
  return pool.servers.map(({ identity, url, shared }, index) => [
    identity,
    { path: [...path, "servers", index], pool, url, shared },
  ]);
}

function twice({ path, url }: Entry, earlier: Entry, others: number): Problem {
  const more = others > 0 ? ` (and ${others} more of that pool)` : "";
  const text =
    `${inspect(url)} is ${pathOf(earlier.path)} too${more}, and each pool counts for itself: a server would get more ` +
    "requests than it has slots; allowed: one pool for it, with several `path_prefix` or `hosts`, or `shared = true` " +
    "in each of its entries, whose slots are then that pool's share of what the server can take";
  return { path: [...path, "url"], text };
}
