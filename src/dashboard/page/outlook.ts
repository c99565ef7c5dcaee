import type { PoolEvent } from "../../scheduler/record/events.ts";
import { RECENT_MS } from "../../scheduler/record/recent-refusals.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { type Condition, conditionOf, NOT_REACHED } from "../../words/condition.ts";
import { queueTrend } from "../../words/queue-trend.ts";
import { adviceOn, adviceOnLoss } from "./advice.ts";
import type { Advice } from "./advice-causes.ts";
import type { History } from "./history.ts";

/** How a pool is, and what to do about it. */
export interface Outlook {
  condition: Condition;
  /** Gravest first. */
  advice: readonly Advice[];
}

/** `operator`: who looks. `events`: as far as they are known; the overview has none. `mayCut`: they may cut requests off. */
export function outlookOf(
  pool: Snapshot,
  operator: string,
  now: number,
  history: History | undefined,
  events: Iterable<PoolEvent> = [],
  mayCut = false,
): Outlook {
  const refusals = pool.recentRefusals.filter(({ until }) => now - Date.parse(until) <= RECENT_MS);
  const resumes = [...events].flatMap(({ kind, at }) => (kind === "resume" ? [Date.parse(at)] : []));
  const drainedAt = Math.max(history?.drainedAt ?? 0, ...resumes);
  const trend = history && !pool.drain ? queueTrend(pool, history.pointsSince(drainedAt), now) : null;
  return {
    condition: conditionOf(pool, refusals, trend?.kind),
    advice: adviceOn({ pool, operator, mayCut, now, refusals, trend, drainedAt }),
  };
}

/** Of a pool whose object is not reached; `lostAt`: since when, in ms, or `null` for since the page was opened. */
export function outlookOnLoss(lostAt: number | null, now: number): Outlook {
  return { condition: NOT_REACHED, advice: [adviceOnLoss(lostAt, now)] };
}
