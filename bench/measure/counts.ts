import { SluiceSubject } from "../subjects/sluice.ts";
import type { Subject } from "../subjects/subject.ts";

/** What a counted subject (workers/counted.ts) has counted: names and numbers. */
export type Counts = Record<string, number>;

/** What one request has cost, on average. */
export interface RequestCosts {
  /** Calls and messages that reached the object. */
  messages: number;
  /** Alarms that were set are rows, too. */
  rows: number;
  /** Of these, the rows of slots. */
  slotRows: number;
}

/** The counts of all isolates since the last call. */
export async function takeCounts({ urls }: { urls: readonly string[] }): Promise<Counts> {
  const all: Counts = {};
  for (const url of urls) {
    const response = await fetch(`${url}/__bench/counts`, { method: "DELETE" });
    for (const [name, count] of Object.entries((await response.json()) as Counts))
      all[name] = (all[name] ?? 0) + count;
  }
  return all;
}

/** Throws if there was no request. */
export function costsOf(counts: Counts): RequestCosts {
  const { requests = 0 } = counts;
  if (requests === 0) throw new Error("nothing was counted");
  const each = (...beginnings: string[]) =>
    Object.entries(counts)
      .filter(([name]) => beginnings.some((beginning) => name.startsWith(beginning)))
      .reduce((sum, [, count]) => sum + count, 0) / requests;
  return {
    messages: each("call: pool.", "call: slots.", "message: "),
    rows: each("rows: "),
    slotRows: each("rows: pool.slots", "rows: slots."),
  };
}

/** How many leases were passed on and how many requests were served, since the start. */
export interface Passes {
  passed: number;
  served: number;
}

/** By Sluice's snapshot; `null`: the subject has none. */
export async function passesOf(subject: Subject): Promise<Passes | null> {
  if (!(subject instanceof SluiceSubject)) return null;
  const { passedOn, completed } = (await subject.snapshot()).totals;
  return { passed: passedOn, served: completed };
}

/**
 * The share of requests that got a lease that was passed on: of Sluice by what it told before and after (`passesOf`), of
 * the leases of the bench by what their object has answered.
 */
export function shareOfPasses(counts: Counts, before: Passes | null, after: Passes | null): number {
  if (before && after) return (after.passed - before.passed) / (after.served - before.served);
  const { granted = 0, heirs = 0 } = counts;
  return heirs / (granted + heirs);
}
