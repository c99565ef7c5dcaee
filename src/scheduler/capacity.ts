import type { Rate } from "./record/rate.ts";

/** What ends the time that is left, by the refusal that follows if one does. */
export type TimeLimit = "queue-full" | "queue-timeout" | "drain-expiry";

/** How much the waiting list can still take. Times are in ms, from now. */
export interface Capacity {
  /**
   * When the waiting list is full, if all goes on as it does; 0: it is full. `null`: nothing says that it fills up, or
   * requests may time out before.
   */
  fullInMs: number | null;
  /** When the direct request that has waited longest times out if it gets no slot until then; `null`: none waits. */
  firstTimeoutInMs: number | null;
  /** While nothing is dispatched, until something happens to those who wait; otherwise `null`. */
  timeLeft: { ms: number; until: TimeLimit } | null;
}

/** The state of a pool that its capacity depends on. Instants are in ms since the epoch. */
export interface Load {
  maxQueue: number;
  queueTimeoutMs: number;
  /** How many direct requests wait: `maxQueue` limits no others. */
  queued: number;
  /** True if the next direct request is refused. */
  isFull: boolean;
  /** When the direct request that has waited longest began to wait. */
  oldestSince: number | undefined;
  /** Of the direct requests that wait, per second; `null`: not known. */
  growth: Rate | null;
  /** True if no request gets a slot: in a drain, or while requests are held because no server takes any. */
  isHalted: boolean;
  /** True if no direct request may wait, as an operator has stopped the pool. */
  isStop: boolean;
  /** `null`: there is no drain. */
  drainExpiresAt: number | null;
}

/** Growth that is fewer standard errors away from none may be chance. */
const SIGNIFICANT = 4;

export function capacityOf(load: Load, now: number): Capacity {
  const { oldestSince, queueTimeoutMs, isHalted, isStop, drainExpiresAt } = load;
  const expiresInMs = drainExpiresAt && Math.max(0, drainExpiresAt - now);
  if (isStop) {
    const timeLeft = expiresInMs === null ? null : ({ ms: expiresInMs, until: "drain-expiry" } as const);
    return { fullInMs: null, firstTimeoutInMs: null, timeLeft };
  }
  const firstTimeoutInMs = oldestSince === undefined ? null : Math.max(0, oldestSince + queueTimeoutMs - now);
  const fullInMs = fullIn(load, firstTimeoutInMs ?? queueTimeoutMs);
  if (!isHalted) return { fullInMs, firstTimeoutInMs, timeLeft: null };
  const limits: [TimeLimit, number | null][] = [
    ["queue-full", fullInMs],
    // If nobody waits, whoever comes now has as long as this.
    ["queue-timeout", firstTimeoutInMs ?? queueTimeoutMs],
    ["drain-expiry", expiresInMs],
  ];
  const [first] = limits
    .flatMap(([until, ms]) => (ms === null ? [] : [{ ms, until }]))
    .sort((a, b) => a.ms - b.ms);
  return { fullInMs, firstTimeoutInMs, timeLeft: first ?? null };
}

/** Once requests may time out, the list need not go on growing as it did. */
function fullIn({ maxQueue, queued, isFull, growth }: Load, firstTimeoutInMs: number): number | null {
  if (isFull) return 0;
  if (!growth || growth.perSecond <= SIGNIFICANT * Math.sqrt(growth.variance)) return null;
  const ms = Math.round(((maxQueue - queued) / growth.perSecond) * 1_000);
  return ms > 0 && ms <= firstTimeoutInMs ? ms : null;
}
