/** Entries of `priorities` that no request meets, or by which others never get their turn. */
import { inspect } from "../../config/problem.ts";
import type { PoolConfig, Priority } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

export function checkPriorities(target: Target, pools: readonly PoolConfig[]): void {
  for (const pool of pools) {
    for (const [index, priority] of pool.priorities.entries()) {
      const path = [...poolPath(target, pool.name), "priorities", index];
      const earlier = pool.priorities.slice(0, index).findIndex((one) => includes(one, priority, pool));
      if (earlier >= 0)
        target.warn(
          path,
          `has no effect: the first that matches counts, and priorities[${earlier}] matches before`,
        );
      else warnOfOtherPath(target, path, priority, pool);
      warnOfStarving(target, path, priority, pool);
    }
  }
}

/** Whether each request of the pool that meets the other one meets this. */
function includes(one: Priority, other: Priority, { pathPrefixes }: PoolConfig): boolean {
  const isSame = (key: "header" | "cookie" | "method") => one[key] === null || one[key] === other[key];
  const { pathPrefix: prefix, value } = one;
  const isAsked = (path: string) => prefix === null || path.startsWith(prefix);
  const isPath = pathPrefixes.every(isAsked) || (other.pathPrefix !== null && isAsked(other.pathPrefix));
  return (
    isPath && isSame("header") && isSame("cookie") && isSame("method") && [null, other.value].includes(value)
  );
}

function warnOfOtherPath(
  target: Target,
  path: Path,
  { pathPrefix }: Priority,
  { pathPrefixes }: PoolConfig,
): void {
  if (pathPrefix === null) return;
  if (pathPrefixes.some((own) => pathPrefix.startsWith(own) || own.startsWith(pathPrefix))) return;
  const served = pathPrefixes.map(inspect).join(" or ");
  target.warn(
    [...path, "path_prefix"],
    `${inspect(pathPrefix)} is never asked for: this pool gets only requests whose path begins with ${served}`,
  );
}

/** Nobody starves as long as going ahead is shorter than waiting. Stored requests wait much longer. */
function warnOfStarving(
  target: Target,
  path: Path,
  { aheadMs }: Priority,
  { queueTimeoutMs, deferred }: PoolConfig,
): void {
  const isBehind = aheadMs < 0;
  if (Math.abs(aheadMs) < queueTimeoutMs || (isBehind && deferred !== null)) return;
  const [sign, who] = isBehind
    ? ["-", "it may be refused before its"]
    : ["", "others may be refused before their"];
  target.warn(
    [...path, "ahead"],
    `${sign}${durationText(Math.abs(aheadMs))} is no shorter than queue_timeout, ${durationText(queueTimeoutMs)}: ` +
      `${who} turn, while enough come that go first`,
  );
}
