/** The key `waiting_page` of a pool, as far as it depends on others: what it needs, and the variable with an own page. */
import type { Bindings } from "./bindings.ts";
import { inspect, type Problem } from "./problem.ts";
import type { PoolConfig } from "./types.ts";

/** The variable whose text is the page that visitors wait at, instead of Sluice's own. */
export const WAITING_PAGE = "WAITING_PAGE";

/** What is filled in where it has one of these names in double braces. */
export const WAITING_PAGE_PLACEHOLDERS = [
  "place",
  "estimate",
  "seconds",
  "pool",
  "requestId",
  "status",
] as const;

/** Paths begin at the pool. */
export function wrongWaitingPage(
  { waitingPageMs, deferred }: Pick<PoolConfig, "waitingPageMs" | "deferred">,
  bindings: Bindings,
): Problem[] {
  if (waitingPageMs === null) return [];
  const path = ["waiting_page"];
  const text = bindings.variableOf(WAITING_PAGE);
  return [
    ...(deferred === null
      ? [{ path, text: "stores the requests of those who wait, and the pool stores none; set deferred = {}" }]
      : []),
    ...(text === undefined || typeof text === "string"
      ? []
      : [{ path, text: `the variable ${inspect(WAITING_PAGE)} is not a text` }]),
  ];
}
