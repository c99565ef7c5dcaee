import { CLIENT } from "./clients/tenants.ts";
import type { Journal, Promised } from "./journal.ts";
import { hasHomes, longestLeaseMs, longestLostMs } from "./pool.ts";

export interface Tried {
  seed: number;
  seconds: number;
  isolates: number;
  longestPauseMs: number;
  /** One of each pool. */
  journals: Journal[];
}

type Row = [label: string, value: string | number, note?: string];

const PROMISES: Record<Promised, [label: string, note: string]> = {
  overlap: ["overlaps", "a server had more requests than slots"],
  lost: ["lost", "neither one server's answer nor a refusal with a cause"],
  half: ["halves", "part of a body was taken for all of it"],
  twice: ["sent twice", "read more than once, though not idempotent or without a cause"],
  order: ["overtaken", "a request of the same client that came much later had a server sooner"],
  limit: ["past a client's slots", "more servers were at work for it than max_in_flight_per_flow"],
  starved: ["starved", "clients whose requests timed out while others sent more"],
  health: [
    "sent to the sick",
    "requests for a server that had failed its checks, or had long been out of order",
  ],
  drained: ["worked while drained", "the pool said that no server was at work"],
  slot: [
    "slots lost",
    "not back at the end, shut for longer than a request and its quarantine take, or taken by no request",
  ],
  secret: ["ids told", "of stored requests, in log lines, snapshots, events or metrics"],
};

/** What was tried and what came of it, as an aligned table of each pool. */
export function reportLines({ seed, seconds, isolates, longestPauseMs, journals }: Tried): string[] {
  const shared: Row[] = [
    ["seed", String(seed)],
    ["seconds", seconds],
    ["isolates", isolates, "copies of the Worker, each a process of its own"],
    [
      "longest pause",
      `${longestPauseMs.toFixed(0)} ms`,
      "in which clients and servers, or an isolate, were not run",
    ],
  ];
  return aligned([shared, ...journals.map(rowsOf)]);
}

export function broken(journals: Journal[], promise: Promised): number {
  return journals.flatMap((journal) => journal.broken).filter((one) => one.promise === promise).length;
}

function rowsOf(journal: Journal): Row[] {
  const { settings, requests } = journal;
  const outcomes = counted([...requests.values()].map(({ outcome }) => outcome ?? "open"));
  const refused = [...outcomes].filter(([outcome]) => outcome.startsWith("refused "));
  return [
    ["pool", settings.pool, named(settings)],
    ["requests", requests.size, `${repeated(journal)} of them came to several servers, one by one`],
    ["answered", outcomes.get("answered") ?? 0, "whole, as the server said it"],
    ["answered badly", outcomes.get("answered out of order") ?? 0, "by servers out of order, not down yet"],
    ["cut off in the body", outcomes.get("cut off") ?? 0, "where the server broke off or hung"],
    ["cut off by an operator", outcomes.get("cut off by an operator") ?? 0, "in the body, or in a WebSocket"],
    ["refused", sum(refused), list(refused.map(([outcome, count]) => [outcome.slice(8), count]))],
    ["clients left", outcomes.get("left") ?? 0, "or broke their connection"],
    ["clients cut off", outcomes.get("stalled") ?? 0, "which had stalled"],
    ...deferredRows(journal, outcomes),
    ["clients", byFlow(journal).size, list(byFlow(journal))],
    ["client kinds", sum(journal.clients), list(journal.clients)],
    ["server faults", sum(journal.faults), list(journal.faults)],
    ...shardRows(journal),
    ["object crashes", sum(crashes(journal)), list(crashes(journal))],
    [
      "kills",
      journal.kills.length,
      `with all connections; ${text(killedAlone(journal))} of them of one isolate alone`,
    ],
    ["operations", sum(operations(journal)), list(operations(journal))],
    ["longest queue", journal.longestQueue],
    ["passed on", passedOn(journal), "of the hand-overs, from one request to the next without the object"],
    [
      "longest lease",
      `${(journal.longestLeaseMs / 1000).toFixed(1)} s`,
      `of a slot, its quarantine included; at most ${longestLeaseMs(settings) / 1000} s, and ${longestLostMs(settings) / 1000} s if lost`,
    ],
    ...promises(journal),
  ];
}

/** Of a pool of several objects. */
function shardRows({ settings, shards, reshards, losses }: Journal): Row[] {
  if (settings.shards === 1) return [];
  const note = `at the end; ${text(reshards.length)} times it became another number, and ${text(losses.length)} times nobody reached one`;
  return [["shards", shards, note]];
}

/** Of the requests that got a 202. */
function deferredRows({ requests, broken }: Journal, outcomes: Map<string, number>): Row[] {
  const stored = [...requests.values()].filter((sent) => sent.stored !== null);
  const crashes = sum(stored.map((sent) => ["", sent.stored?.crashes.length ?? 0]));
  const retries = sum(stored.map((sent) => ["", sent.stored?.retries ?? 0]));
  const failed = [...outcomes].filter(([outcome]) => outcome.startsWith(FAILED));
  const brokenTo = (promise: Promised) =>
    new Set(
      broken
        .filter((one) => one.promise === promise)
        .flatMap(({ about }) => about.filter((sent) => sent.stored)),
    ).size;
  return [
    [
      "deferred",
      stored.length,
      `accepted for later; ${text(crashes)} crashes of their objects, ${text(retries)} retries by an operator`,
    ],
    [
      "deferred answered",
      (outcomes.get("deferred answered") ?? 0) + (outcomes.get("deferred answered out of order") ?? 0),
      "whole, as the server said it",
    ],
    [
      "deferred failed",
      sum(failed),
      list(failed.map(([outcome, count]) => [outcome.slice(FAILED.length), count])),
    ],
    [
      "deferred canceled",
      outcomes.get("deferred canceled") ?? 0,
      `by their clients; ${text(outcomes.get("forgotten") ?? 0)} more had ended by then, and were forgotten`,
    ],
    ["deferred lost", brokenTo("lost"), "must be 0: not ended, or not as anything accounts for"],
    ["deferred twice", brokenTo("twice"), "must be 0: sent twice, as below"],
  ];
}

const FAILED = "deferred failed ";

function promises(journal: Journal): Row[] {
  return Object.entries(PROMISES).map(([promise, [label, note]]) => [
    label,
    broken([journal], promise as Promised),
    `must be 0: ${promise === "order" ? orderJudged(journal) : note}`,
  ]);
}

/** With several shards each has an order of its own. */
function orderJudged({ settings }: Journal): string {
  const note = PROMISES.order[1];
  if (settings.shards === 1) return note;
  const judged = hasHomes(settings)
    ? "at the client's own shard, or of stored ones at the first"
    : "of stored ones at the first shard; others are not judged, as nobody knows where they wait";
  return `${note}: ${judged}`;
}

const HAVE_LINES_OF_THEIR_OWN = /^(crash.*|lose|other shards|retry deferred|kill.*|refuse|reset|front|sick)$/;

/** All that the operator did, and how sick servers fared. */
function operations(journal: Journal): [string, number][] {
  return [...journal.operations].filter(([kind]) => !HAVE_LINES_OF_THEIR_OWN.test(kind));
}

function crashes(journal: Journal): [string, number][] {
  return [...journal.operations].filter(([kind]) => kind === "crash" || kind === "crash at a hand-over");
}

function killedAlone(journal: Journal): number {
  return journal.operations.get("kill of one isolate") ?? 0;
}

/** "not told": the pool does not count it. */
function passedOn({ totals }: Journal): string {
  if (totals?.passedOn === undefined) return "not told";
  return totals.completed === 0 ? "none" : `${Math.round((100 * totals.passedOn) / totals.completed)} %`;
}

function repeated(journal: Journal): number {
  return [...journal.requests.values()].filter(({ jobs }) => jobs.length > 1).length;
}

function byFlow({ requests }: Journal): Map<string, number> {
  const drawn = [...requests.values()].filter(({ plan }) => plan.headers[CLIENT] !== plan.id);
  return counted(drawn.map(({ plan }) => plan.flow ?? "nobody"));
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
    .filter(([key]) => key !== "pool")
    .filter(([, value]) => value !== undefined && (!Array.isArray(value) || value.length > 0))
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
}

function aligned(tables: Row[][]): string[] {
  const labels = Math.max(...tables.flat().map(([label]) => label.length));
  return tables.flatMap((rows, index) => [
    ...(index === 0 ? [] : [""]),
    ...rows.map(([label, value, note = ""]) =>
      `  ${label.padEnd(labels)}  ${text(value).padStart(9)}   ${note}`.trimEnd(),
    ),
  ]);
}

function text(value: string | number): string {
  return typeof value === "number" ? value.toLocaleString("en") : value;
}
