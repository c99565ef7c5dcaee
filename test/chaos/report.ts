import type { Journal, Promised } from "./journal.ts";
import { longestLeaseMs, type Settings } from "./pool.ts";

export interface Tried {
  seed: number;
  seconds: number;
  settings: Settings;
  journal: Journal;
}

const PROMISES: Record<Promised, [label: string, note: string]> = {
  overlap: ["overlaps", "a server had more requests than slots"],
  lost: ["lost", "neither one server's answer nor a refusal with a cause"],
  twice: ["sent twice", "read more than once, though not idempotent or without a cause"],
  drained: ["worked while drained", "the pool said that no server was at work"],
  slot: ["slots lost", "not back at the end, or shut for longer than a request and its quarantine take"],
};

/** What was tried and what came of it, as an aligned table. */
export function reportLines({ seed, seconds, settings, journal }: Tried): string[] {
  const outcomes = counted([...journal.requests.values()].map(({ outcome }) => outcome ?? "open"));
  const refused = [...outcomes].filter(([outcome]) => outcome.startsWith("refused "));
  const rows: [label: string, value: string | number, note?: string][] = [
    ["seed", String(seed), named(settings)],
    ["seconds", seconds],
    ["requests", journal.requests.size, `${repeated(journal)} of them came to several servers, one by one`],
    ["answered", outcomes.get("answered") ?? 0, "whole, as the server said it"],
    ["cut off in the body", outcomes.get("cut off") ?? 0, "where the server broke off or hung"],
    ["refused", sum(refused), list(refused.map(([outcome, count]) => [outcome.slice(8), count]))],
    ["clients left", outcomes.get("left") ?? 0],
    ["object crashes", journal.operations.get("crash") ?? 0],
    ["server faults", sum(journal.faults), list(journal.faults)],
    ["operations", sum(operations(journal)), list(operations(journal))],
    ["longest queue", journal.longestQueue],
    [
      "longest lease",
      `${(journal.longestLeaseMs / 1000).toFixed(1)} s`,
      `of a slot, its quarantine included; at most ${longestLeaseMs(settings) / 1000} s`,
    ],
    ["longest pause", `${journal.longestPauseMs.toFixed(0)} ms`, "in which clients and servers were not run"],
  ];
  for (const [promise, [label, note]] of Object.entries(PROMISES)) {
    rows.push([label, broken(journal, promise as Promised), `must be 0: ${note}`]);
  }
  const labels = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value, note = ""]) =>
    `  ${label.padEnd(labels)}  ${text(value).padStart(9)}   ${note}`.trimEnd(),
  );
}

export function broken(journal: Journal, promise: Promised): number {
  return journal.broken.filter((one) => one.promise === promise).length;
}

/** All that the operator did; crashes and faults have lines of their own. */
function operations(journal: Journal): [string, number][] {
  return [...journal.operations].filter(([kind]) => !["crash", "refuse", "reset"].includes(kind));
}

function repeated(journal: Journal): number {
  return [...journal.requests.values()].filter(({ jobs }) => jobs.length > 1).length;
}

function counted(words: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

const sum = (counts: Iterable<[string, number]>) =>
  [...counts].reduce((total, [, count]) => total + count, 0);

function list(counts: Iterable<[string, number]>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([word, count]) => `${word} ${text(count)}`).join(", ");
}

function named(settings: Record<string, unknown>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
}

function text(value: string | number): string {
  return typeof value === "number" ? value.toLocaleString("en") : value;
}
