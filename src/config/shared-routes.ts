/** Two pools must not claim the same requests: which of them served would depend on their order. */
import * as z from "zod/mini";
import { routingKeys } from "./pool.ts";
import { type Problem, pathOf, shown } from "./problem.ts";

/** Reads only the routing keys, so that a pool with problems elsewhere is compared too. */
const routing = z.object(routingKeys);

export function sharedRoutes(tables: readonly [string, unknown][]): Problem[] {
  const owners = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, given] of tables) {
    const { data } = routing.safeParse(given);
    for (const host of new Set(data?.hosts)) {
      const route = `${host} ${data?.path_prefix}`;
      const owner = owners.get(route);
      if (owner === undefined) owners.set(route, name);
      else {
        const claim = `${shown(host)} with path_prefix ${shown(data?.path_prefix)}`;
        problems.push({
          path: ["POOLS", name, "hosts"],
          text: `${claim} belongs to ${pathOf(["POOLS", owner])} already; allowed: hosts, or a path_prefix, that no other pool has`,
        });
      }
    }
  }
  return problems;
}
