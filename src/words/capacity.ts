/** How full a waiting list is and for how long it lasts, for the page and the command alike. */
import type { Snapshot } from "../scheduler/snapshot.ts";
import { isAtRest } from "./condition.ts";
import { grouped } from "./phrases.ts";
import { compactDuration, roughly, wholeSeconds } from "./times.ts";

/** How many requests wait that hold their clients' connections: deferred ones stand on the same list. */
export function queuedDirectly({ queued, deferred }: Pick<Snapshot, "queued" | "deferred">): number {
  return Math.max(0, queued - (deferred?.queued ?? 0));
}

/** `12 of 1,000`. */
export function occupancy(pool: Pick<Snapshot, "queued" | "deferred" | "maxQueue">): string {
  const { maxQueue } = pool;
  return grouped(queuedDirectly(pool)) + (maxQueue === null ? "" : ` of ${grouped(maxQueue)}`);
}

/** `full`, `full in about 40 s`; `null`: nothing says that it will be. */
export function fullWords(fullInMs: number | null): string | null {
  if (fullInMs === null) return null;
  return fullInMs === 0 ? "full" : `full in about ${roughly(fullInMs)}`;
}

/**
 * What reaches its limit first, and when: `40 s (full)`, `4 min 10 s (timeout)`, `14 min (expiry)`, `none (full)`.
 * `null`: nothing says that anything does.
 */
export function nextLimit(
  pool: Pick<Snapshot, "timeLeft" | "fullInMs" | "drain" | "servers" | "queued">,
): string | null {
  const { fullInMs } = pool;
  const filling: Snapshot["timeLeft"] = fullInMs === null ? null : { ms: fullInMs, until: "queue-full" };
  const limit = timeLeftOf(pool) ?? filling;
  if (limit === null) return null;
  const what = { "queue-full": "full", "queue-timeout": "timeout", "drain-expiry": "expiry" }[limit.until];
  return `${timeOf(limit)} (${what})`;
}

/** While nothing is dispatched: `4 min 10 s, then the oldest request is refused (queue_timeout)`; `null`: something is. */
export function timeLeftWords(
  pool: Pick<Snapshot, "timeLeft" | "firstTimeoutInMs" | "drain" | "servers" | "queued">,
): string | null {
  const { firstTimeoutInMs, drain } = pool;
  const timeLeft = timeLeftOf(pool);
  if (timeLeft === null) return null;
  const time = timeOf(timeLeft);
  if (timeLeft.until === "drain-expiry")
    return `${time}, then the ${drain?.stop ? "stop" : "drain"} ends by itself`;
  if (timeLeft.until === "queue-timeout") {
    const who = firstTimeoutInMs === null ? "a request that comes now" : "the oldest request";
    return `${time}, then ${who} is refused (queue_timeout)`;
  }
  if (timeLeft.ms === 0) return "none, the waiting list is full and new requests are refused (max_queue)";
  return `about ${time}, then the waiting list is full (max_queue)`;
}

/** A pool may rest for ever: its time is that of a request which has not come. */
function timeLeftOf(pool: Pick<Snapshot, "timeLeft" | "drain" | "servers" | "queued">): Snapshot["timeLeft"] {
  return isAtRest(pool) && pool.drain === null ? null : pool.timeLeft;
}

/** Only an estimate is rounded. */
function timeOf({ ms, until }: NonNullable<Snapshot["timeLeft"]>): string {
  if (until !== "queue-full") return wholeSeconds(ms);
  return ms === 0 ? "none" : roughly(ms);
}

/** `12/s`, `3.4/s`, `0.25/s`; `–`: not known. */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return "–";
  const digits = perSecond >= 9.95 || perSecond === 0 ? 0 : perSecond >= 0.995 ? 1 : 2;
  return `${grouped(Number(perSecond.toFixed(digits)))}/s`;
}

/** So many per cent of the times were no longer: `["p50", "12 ms"]` and so on; `–`: there were none. */
export function percentiles(times: Snapshot["waitMs"]): [name: string, time: string][] {
  return (["p50", "p95", "p99"] as const).map((name) => [name, times ? compactDuration(times[name]) : "–"]);
}
