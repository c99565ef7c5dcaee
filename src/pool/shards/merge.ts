/** What the shards of a pool tell of themselves, made into what the pool tells. */
import { type Counts, emptyHistogram, type Histogram, type Totals } from "../../scheduler/record/counters.ts";
import { percentilesOf, type Sketch } from "../../scheduler/record/percentiles.ts";
import { KEPT_STEPS, type QueueHistory } from "../../scheduler/record/queue-history.ts";
import type { RecentRefusal } from "../../scheduler/record/recent-refusals.ts";
import {
  type CutSnapshot,
  hundredths,
  type Snapshot,
  type SnapshotContent,
} from "../../scheduler/snapshot.ts";
import { mergedFlows } from "./merged-flows.ts";
import { mergedServers, type OwnerOf } from "./merged-servers.ts";

/** Of the snapshot's `waitMs` and `serviceMs`. */
export interface Sketches {
  waits: Sketch;
  services: Sketch;
}

/** A shard but the first, as far as the coordinator knows of it. */
export interface OtherShard extends Sketches {
  shard: number;
  /** False: `snapshot` and sketches are the last that were heard. */
  reachable: boolean;
  /** `null`: nothing was heard since the coordinator started. */
  snapshot: SnapshotContent | null;
}

/**
 * Returns the snapshot of the whole pool. `own` is that of shard 0, the coordinator: what is the same for the whole pool is
 * taken from it, such as the state and what operators want of servers. All else is summed up, and of limits the first to be
 * reached counts.
 */
export function mergedSnapshot(
  own: SnapshotContent,
  others: readonly OtherShard[],
  ownSketches: Sketches,
  ownerOf: OwnerOf,
): SnapshotContent {
  const known = others.flatMap(({ shard, snapshot }) => (snapshot ? [{ ...snapshot, shard }] : []));
  const all = [own, ...known];
  const sketches = [ownSketches, ...others];
  const servers = mergedServers(own.servers, known, ownerOf);
  const total = (value: (one: SnapshotContent) => number) => sum(all.map(value));
  return {
    ...own,
    drain: mergedDrain(all),
    inFlight: total(({ inFlight }) => inFlight),
    quarantined: total(({ quarantined }) => quarantined),
    queued: total(({ queued }) => queued),
    oldestWaitMs: Math.max(...all.map(({ oldestWaitMs }) => oldestWaitMs)),
    // Each has its part of it.
    maxQueue: sumOfKnown(all.map(({ maxQueue }) => maxQueue)),
    arrivalsPerSecond: hundredths(sumOfKnown(all.map(({ arrivalsPerSecond }) => arrivalsPerSecond))),
    grantsPerSecond: hundredths(sumOfKnown(all.map(({ grantsPerSecond }) => grantsPerSecond))),
    fullInMs: least(all.map(({ fullInMs }) => fullInMs)),
    firstTimeoutInMs: least(all.map(({ firstTimeoutInMs }) => firstTimeoutInMs)),
    timeLeft: firstLimit(all),
    waitMs: percentilesOf(sketches.map(({ waits }) => waits)),
    serviceMs: percentilesOf(sketches.map(({ services }) => services)),
    ...mergedFlows(all),
    ...mergedDeferred(all),
    slots: sum(servers.map(({ slots }) => slots)),
    shards: [{ shard: 0, reachable: true, snapshot: own }, ...others].map(
      ({ shard, reachable, snapshot }) => ({
        shard,
        reachable,
        slots: sum(own.servers.filter((server) => ownerOf(server) === shard).map(({ slots }) => slots)),
        inFlight: snapshot?.inFlight ?? 0,
        queued: snapshot?.queued ?? 0,
      }),
    ),
    servers,
    totals: mergedTotals(all.map(({ totals }) => totals)),
    ...mergedWake(all),
    recentRefusals: mergedRefusals(all.flatMap(({ recentRefusals }) => recentRefusals)),
  };
}

/** `counts`: the coordinator's first. It alone counts drains, which are the pool's. */
export function mergedCounts(counts: readonly Counts[]): Counts {
  const servers = Map.groupBy(
    counts.flatMap((one) => one.servers),
    ({ name }) => name,
  );
  return {
    ...mergedTotals(counts),
    answered: added(counts.map(({ answered }) => answered)),
    drains: counts[0]?.drains ?? 0,
    waits: mergedHistogram(counts.map(({ waits }) => waits)),
    servers: [...servers].map(([name, ofIt]) => ({
      name,
      retried: sum(ofIt.map(({ retried }) => retried)),
      service: mergedHistogram(ofIt.map(({ service }) => service)),
    })),
    abandonedTold: sum(counts.map(({ abandonedTold }) => abandonedTold)),
  };
}

/** `histories`: at least one. What a shard has no step for, as it started later or was not heard since, counts as nothing. */
export function mergedHistory(histories: readonly QueueHistory[]): QueueHistory {
  const stepMs = histories[0]?.stepMs ?? 0;
  const starts = histories.map(({ from }) => Date.parse(from) / stepMs);
  const end = Math.max(...histories.map(({ queued }, index) => (starts[index] ?? 0) + queued.length));
  const first = Math.max(Math.min(...starts), end - KEPT_STEPS);
  const steps = (merge: (values: number[]) => number, of: (history: QueueHistory) => number[]) =>
    Array.from({ length: end - first }, (_, step) =>
      merge(histories.map((one, index) => of(one)[first + step - (starts[index] ?? 0)] ?? 0)),
    );
  return {
    from: new Date(first * stepMs).toISOString(),
    stepMs,
    queued: steps(sum, ({ queued }) => queued),
    oldestWaitMs: steps(
      (values) => Math.max(...values),
      ({ oldestWaitMs }) => oldestWaitMs,
    ),
  };
}

/** The coordinator's. Each shard cuts off what it has. */
function mergedDrain([own, ...others]: readonly SnapshotContent[]): Snapshot["drain"] {
  const drain = own?.drain ?? null;
  if (!drain?.cut) return drain;
  const cuts = [drain.cut, ...others.map((one) => one.drain?.cut)];
  const isDone = (cut: CutSnapshot | null | undefined) => cut?.done === true;
  // Where nothing was in flight, a shard has nothing to cut off, and its clock may be a moment behind.
  const isOver = isIdle(own) && cuts.some(isDone);
  if (!isOver && !cuts.every(isDone)) return { ...drain, cut: { at: drain.cut.at, done: false } };
  return { ...drain, cut: { ...drain.cut, done: true, leases: sum(cuts.map((cut) => cut?.leases ?? 0)) } };
}

function isIdle(one: SnapshotContent | undefined): boolean {
  return one?.state === "drained" || one?.state === "stopped";
}

function mergedTotals(all: readonly Totals[]): Totals {
  const total = (key: Exclude<keyof Totals, "refused">) => sum(all.map((totals) => totals[key]));
  return {
    accepted: total("accepted"),
    completed: total("completed"),
    refused: added(all.map(({ refused }) => refused)),
    retried: total("retried"),
    abandoned: total("abandoned"),
    free: total("free"),
    passedOn: total("passedOn"),
  };
}

function mergedHistogram(histograms: readonly Histogram[]): Histogram {
  const counts = emptyHistogram().counts.map((_, bucket) =>
    sum(histograms.map((one) => one.counts[bucket] ?? 0)),
  );
  return { counts, sumMs: sum(histograms.map(({ sumMs }) => sumMs)) };
}

function mergedDeferred(all: readonly SnapshotContent[]): Pick<Snapshot, "deferred"> {
  const known = all.flatMap(({ deferred }) => deferred ?? []);
  if (known.length === 0) return {};
  return {
    deferred: {
      queued: sum(known.map(({ queued }) => queued)),
      running: sum(known.map(({ running }) => running)),
      answered: sum(known.map(({ answered }) => answered)),
      failed: sum(known.map(({ failed }) => failed)),
      oldestMs: Math.max(...known.map(({ oldestMs }) => oldestMs)),
    },
  };
}

function mergedWake(all: readonly SnapshotContent[]): Pick<Snapshot, "lastWake"> {
  const [lastWake] = all
    .flatMap(({ lastWake }) => lastWake ?? [])
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  return lastWake ? { lastWake } : {};
}

function mergedRefusals(refusals: readonly RecentRefusal[]): RecentRefusal[] {
  const byReason = Map.groupBy(refusals, ({ code, deferred }) => `${deferred} ${code}`);
  return [...byReason.values()].map((alike) =>
    alike.reduce(({ code, deferred, count, since, until }, other) => ({
      code,
      deferred,
      count: count + other.count,
      since: earlier(since, other.since),
      until: later(until, other.until),
    })),
  );
}

/** A shard that has no server to send requests to need not trouble a pool that has, unless some wait there. */
function firstLimit(all: readonly SnapshotContent[]): Snapshot["timeLeft"] {
  const halted = all.filter(({ timeLeft }) => timeLeft !== null);
  const concerned = halted.length === all.length ? halted : halted.filter(({ queued }) => queued > 0);
  const limits = concerned.flatMap(({ timeLeft }) => timeLeft ?? []);
  return limits.sort((a, b) => a.ms - b.ms)[0] ?? null;
}

/** `null`: none is known. */
function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** `null`: none is known. */
function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : sum(known);
}

const earlier = (a: string, b: string) => (Date.parse(a) <= Date.parse(b) ? a : b);
const later = (a: string, b: string) => (Date.parse(a) <= Date.parse(b) ? b : a);

/** The sums of what has the same key. */
function added(counts: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, count] of counts.flatMap(Object.entries<number>)) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
