import type { Snapshot } from "../scheduler/snapshot.ts";
import { takesRequests } from "./phrases.ts";

/** The waiting list at one time; times are in ms. */
export interface QueuePoint {
  at: number;
  queued: number;
  /** Of the requests whose clients hold their connections; 0: none waits. */
  oldestMs: number;
}

/**
 * Where the waiting list is going.
 * grows  by `queued - before` within `ms`
 * long   it neither grows nor falls, as many requests come as go, and each of them has to wait for long: `waitMs`, since
 *        at least `ms`
 */
export type QueueTrend =
  | { kind: "grows"; before: number; queued: number; ms: number }
  | { kind: "long"; waitMs: number; ms: number };

const GROWTH_MS = 60_000;
/** Growth by fewer requests, or seen for a shorter time, is no trend. */
const LEAST_GROWTH = 5;
const SHORTEST_GROWTH_MS = 20_000;
const LATELY_MS = 10_000;

/** Long is a wait of many service times, but not of a moment; or one that anybody would find long. */
const LONG_WAIT_MS = 10_000;
const MANY_SERVICES = 3;
const VERY_LONG_WAIT_MS = 60_000;
/** Over how long it is looked at: a request may take its server as long. */
const LONG_WINDOWS_MS = [600_000, 180_000, 60_000];
/** The pool's own record has a point every 5 s. */
const STEP_MS = 5_000;

/** `points`: without a gap, and since the last drain, in which the list is meant to grow. `null`: no trend is known. */
export function queueTrend(pool: Snapshot, points: readonly QueuePoint[], now: number): QueueTrend | null {
  return growth(pool, points, now) ?? longWaits(pool, points, now);
}

function growth({ queued }: Snapshot, points: readonly QueuePoint[], now: number): QueueTrend | null {
  const before = points.find(({ at }) => at >= now - GROWTH_MS);
  if (!before || now - before.at < SHORTEST_GROWTH_MS) return null;
  const lately = points.find(({ at }) => at >= now - LATELY_MS);
  if (lately && queued < lately.queued) return null;
  if (queued - before.queued < Math.max(LEAST_GROWTH, before.queued / 10)) return null;
  return { kind: "grows", before: before.queued, queued, ms: now - before.at };
}

function longWaits(pool: Snapshot, points: readonly QueuePoint[], now: number): QueueTrend | null {
  const { queued, oldestWaitMs, deferred, servers } = pool;
  const slots = servers.reduce((sum, server) => sum + (takesRequests(server) ? server.slots : 0), 0);
  // Each slot has to serve so many before it is the turn of the last in line.
  const services = (queued - (deferred?.queued ?? 0)) / slots;
  if (oldestWaitMs < LONG_WAIT_MS || (services < MANY_SERVICES && oldestWaitMs < VERY_LONG_WAIT_MS))
    return null;
  for (const windowMs of LONG_WINDOWS_MS) {
    const known = points.filter(({ at }) => at >= now - windowMs);
    const [first] = known;
    if (!first || now - first.at < windowMs - STEP_MS) continue;
    const isLong = known.every(({ oldestMs }) => oldestMs >= LONG_WAIT_MS);
    const isSteady = Math.abs(queued - first.queued) < Math.max(LEAST_GROWTH, first.queued / 4);
    // Where none goes, the oldest wait grows as fast as the clock.
    const doesMove = oldestWaitMs - first.oldestMs < (now - first.at) / 2;
    if (isLong && isSteady && doesMove) return { kind: "long", waitMs: oldestWaitMs, ms: now - first.at };
  }
  return null;
}
