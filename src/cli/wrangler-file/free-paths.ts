/** Keys for requests without a slot that have no effect. */
import { inspect } from "../../config/problem.ts";
import type { PoolConfig } from "../../config/types.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";

export function checkFreePaths(target: Target, pools: readonly PoolConfig[]): void {
  for (const { name, pathPrefixes, freePaths, freePathsInDrain } of pools) {
    const path = poolPath(target, name);
    if (freePathsInDrain && freePaths.length === 0)
      target.warn([...path, "free_paths_in_drain"], "does nothing without free_paths");
    for (const [index, { prefix }] of freePaths.entries()) {
      if (pathPrefixes.some((own) => prefix.startsWith(own) || own.startsWith(prefix))) continue;
      const served = `this pool gets only requests whose path begins with ${pathPrefixes.map(inspect).join(" or ")}`;
      target.warn([...path, "free_paths", index], `${inspect(prefix)} is never asked for: ${served}`);
    }
  }
}
