import type { RecentRefusal } from "../../scheduler/record/recent-refusals.ts";
import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { isFailing } from "../../words/condition.ts";
import { counted, grouped, listed } from "../../words/phrases.ts";
import type { QueueTrend } from "../../words/queue-trend.ts";
import { clockInWords, wholeSeconds } from "../../words/times.ts";
import type { Advice, Symptoms } from "./advice-causes.ts";

const LATELY_MS = 2 * 60_000;

/** The words that are given, as sentences one after the other. */
export function sentences(...parts: (string | null | undefined | false)[]): string {
  const given = parts.filter(Boolean);
  return given.map((part) => (/[.?]$/.test(String(part)) ? part : `${part}.`)).join(" ");
}

/** `7 requests refused lately (queue-full) and 3 (bad-gateway); 2 deferred requests failed lately (bad-gateway)`. */
export function refusalWords(refusals: readonly RecentRefusal[], now: number): string {
  const [direct, failed] = [refusals.filter(({ deferred }) => !deferred), refusals.filter(isFailed)];
  const parts = [
    wordsOf(direct, "request", "refused", now),
    wordsOf(failed, "deferred request", "failed", now),
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function wordsOf(
  [first, ...more]: readonly RecentRefusal[],
  noun: string,
  verb: string,
  now: number,
): string {
  if (!first) return "";
  const since = Math.min(...[first, ...more].map((one) => Date.parse(one.since)));
  const when = now - since < LATELY_MS ? "lately" : `since ${clockInWords(since, now)}`;
  return listed([
    `${counted(first.count, noun)} ${verb} ${when} (${first.code})`,
    ...more.map(({ count, code }) => `${grouped(count)} (${code})`),
  ]);
}

/** What to do with deferred requests, once the cause of their failure is gone. */
export function retryWords(refusals: readonly RecentRefusal[]): string | null {
  return refusals.some(isFailed) ? "Then retry those that should be done" : null;
}

/** What a cause that has been named leads to. */
export function meanwhile({ refusals, trend }: Symptoms, now: number): string | null {
  if (refusals.length > 0) return `Meanwhile: ${refusalWords(refusals, now)}`;
  if (trend?.kind === "grows") return `Meanwhile the waiting list grows: ${growthWords(trend)}`;
  return trend ? `Meanwhile each request waits ${wholeSeconds(trend.waitMs)}` : null;
}

export function growthWords({ before, queued, ms }: QueueTrend & { kind: "grows" }): string {
  return `${grouped(before)} → ${grouped(queued)} within ${wholeSeconds(ms)}`;
}

/** Of a cause that is no more than `weight` in itself. */
export function weightOf({ refusals }: Symptoms, weight: Advice["weight"]): Advice["weight"] {
  return refusals.some(isFailing) ? "bad" : weight;
}

/** When quarantined slots open. */
export function opensWords({ servers, quarantined }: Snapshot, now: number): string {
  const leases: LeaseSnapshot[] = servers.flatMap((server) => server.leases);
  const [first] = leases.flatMap(({ until }) => until ?? []).sort();
  if (first === undefined) return "It opens by itself";
  const which = quarantined === 1 ? "It opens" : "The first opens";
  return `${which} by itself at ${clockInWords(first, now)} at the latest`;
}

export const FREE_BY_HAND = "free it by hand only if you know that the server is idle";

function isFailed({ deferred }: RecentRefusal): boolean {
  return deferred;
}

/** What lets requests go to `which` of these again: `set it to ready`, `give it a weight`. */
export function putBack(set: readonly ServerSnapshot[], which: string): string {
  const byState = set.some(({ state }) => state !== "ready");
  const byWeight = set.some(({ weight }) => weight === 0);
  const ways = [
    ...(byState ? [`set ${which} to ready`] : []),
    ...(byWeight ? [`give ${which} a weight`] : []),
  ];
  return ways.join(set.length === 1 ? " and " : " or ");
}

/** Words that may begin a sentence. */
export function beginning(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
