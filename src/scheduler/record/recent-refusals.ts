import type { PoolEvent } from "./events.ts";

/** For how long a refusal counts as recent, in ms. */
export const RECENT_MS = 60_000;

/** Requests that were refused lately for the same reason. Instants are ISO 8601 in UTC. */
export interface RecentRefusal {
  /** The refusal's. */
  code: string;
  /** True of deferred requests that have failed: their clients find the refusal in place of an answer. */
  deferred: boolean;
  /** How many, since the first of them. */
  count: number;
  /** When the first came of those that followed each other closely. It may be long ago. */
  since: string;
  /** When the latest came. */
  until: string;
}

/** Adds up runs of refusals by their reason. `events`: those that went on lately, oldest first. */
export function recentRefusals(events: Iterable<PoolEvent>): RecentRefusal[] {
  const found = new Map<string, RecentRefusal>();
  for (const event of events) {
    if (event.kind !== "refusal" && event.kind !== "deferred-failed") continue;
    const { kind, code, at, count = 1, until = at } = event;
    const before = found.get(`${kind} ${code}`);
    found.set(`${kind} ${code}`, {
      code,
      deferred: kind === "deferred-failed",
      count: (before?.count ?? 0) + count,
      since: before?.since ?? at,
      until,
    });
  }
  return [...found.values()];
}
