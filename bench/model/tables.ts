import { playAffinity } from "./affinity.ts";
import { COMMIT_MS, COMPUTE_MS, OBJECT, ROUND_TRIP_MS, SHARES_PASSED } from "./inputs.ts";
import {
  addedMs,
  type Cost,
  type CostOfDeferred,
  costOfMillion,
  costOfMillionDeferred,
  DEFERRED,
  idleMs,
  mostPassed,
  objectRate,
  objectsFor,
  PLACEMENTS,
  requestsPerSecond,
  slotsOfOneObject,
  takenOf,
  utilisation,
} from "./model.ts";
import { playShards } from "./shards.ts";

const SERVICE_MS = [10, 50, 100, 500, 2_000];
/** Of short requests passing on changes most; of those of a second nothing is passed on. */
const SERVICE_MS_PASSED = [5, 10, 50, 100, 1_000];
const RATE_PASSED = 100;
const WITHIN = "hand-overs within one isolate";
const SLOTS = [1, 10, 100, 1_000];
const RATES = [1, 10, 100, 350];
const DEMANDS = [100, 350, 1_000, 5_000];
const DEFERRED_RATE = 10;
const AFFINITY = { servers: 10, keys: 1_000 };
const SLOTS_OF_A_SERVER = [1, 2, 4, 8, 10, 20, 50];
const LOADS = [0.25, 0.5, 0.75, 0.9];
const SHARDED = { servers: 400, serviceMs: 100, clients: 800, isolates: 4, forMs: 10_000 };
const SHARDS = [1, 2, 4, 8, 16, 32];
/** Of what so many servers can do. Fewer shards than these would be the limit. */
const SHARDED_LOADS = [0.5, 0.7, 0.85];
const SHARDS_UNDER_LOAD = [16, 32, 64];
const BEST = PLACEMENTS[0] as (typeof PLACEMENTS)[number];

/** All of the model's tables in Markdown. */
export function tables(): string {
  return [
    ...section("Inputs", ["", "ms"], inputs()),
    ...section(
      "Where the parts are",
      [
        "",
        "idle between two requests, ms",
        "the same, passed on within one isolate, ms",
        "added to a request that need not wait, ms",
      ],
      PLACEMENTS.map((one) => [one.name, idleMs(one), idleMs(one, 1), addedMs(one)]),
    ),
    ...section(
      "The share of its time that a server works while requests wait, by service time",
      ["", ...SERVICE_MS.map((ms) => `${number(ms)} ms`)],
      PLACEMENTS.map((one) => [one.name, ...SERVICE_MS.map((ms) => `${percent(utilisation(one, ms))}`)]),
    ),
    ...section(
      `Requests a second of one pool, all near the servers (one object: ${OBJECT.planned})`,
      ["slots", ...SERVICE_MS.map((ms) => `${number(ms)} ms`)],
      SLOTS.map((slots) => [
        number(slots),
        ...SERVICE_MS.map((ms) => rate(requestsPerSecond(BEST, slots, ms))),
      ]),
    ),
    ...section(
      "Slots with which one object is at its limit, by service time",
      ["", ...SERVICE_MS.map((ms) => `${number(ms)} ms`)],
      PLACEMENTS.map((one) => [one.name, ...SERVICE_MS.map((ms) => slotsOfOneObject(one, ms))]),
    ),
    ...section(
      "Objects that a pool needs",
      ["requests a second", "objects"],
      DEMANDS.map((demand) => [number(demand), objectsFor(demand)]),
    ),
    ...sharded(),
    ...passing(),
    ...section(
      "Dollars a million requests, beyond what the paid plan includes",
      ["requests a second", "queued", "requests", "CPU", "rows", "duration", "together"],
      RATES.flatMap((perSecond) => [
        [number(perSecond), "none", ...dollarsOf(costOfMillion(perSecond, 0))],
        [number(perSecond), "all", ...dollarsOf(costOfMillion(perSecond, 1))],
        [number(perSecond), "all, each lease passed on", ...dollarsOf(costOfMillion(perSecond, 1, 1))],
      ]),
    ),
    ...section(
      `Dollars a million requests that all queue, ${RATE_PASSED} a second, by the share of ${WITHIN}`,
      ["", "calls", "rows written", "requests", "CPU", "rows", "duration", "together"],
      SHARES_PASSED.map((passed) => {
        const { objectRequests, rows } = takenOf(RATE_PASSED, 1, passed);
        const cost = dollarsOf(costOfMillion(RATE_PASSED, 1, passed));
        return [percent(passed), objectRequests.toFixed(2), rows.toFixed(2), ...cost];
      }),
    ),
    `### Dollars a million deferred requests at ${DEFERRED_RATE} a second, their answers fetched, likewise`,
    "",
    deferredTable(),
    "",
  ].join("\n");
}

/** What a pool of several objects does, in Markdown. */
function sharded(): string[] {
  const { servers, serviceMs, clients } = SHARDED;
  const title = `of ${number(servers)} single-flight servers of ${serviceMs} ms, played`;
  return [
    `### Shards ${title}: ${number(clients)} clients who ask again at once`,
    "",
    shardsTable(),
    "",
    ...section(
      `Shards ${title}: requests that come at random`,
      ["load", "shards", "wait, ms", "99th percentile", "overtaken", "sent on to another shard"],
      SHARDED_LOADS.flatMap((load) =>
        SHARDS_UNDER_LOAD.map((shards) => {
          const played = playShards({ ...SHARDED, shards, load });
          return [percent(load), shards, ...waits(played), percent(played.overtaken), percent(played.moved)];
        }),
      ),
    ),
    ...section(
      `Shards of 100 such servers, all busy but those of one: how long a request waits at another one`,
      ["shards", "wait, ms", "99th percentile", "beside a free slot, at most"],
      SHARDS.slice(1).map((shards) => {
        const one = { ...SHARDED, servers: 100, shards, load: 0.5 / shards, isOneFree: true };
        const played = playShards(one);
        return [shards, ...waits(played), Math.round(played.longestBesideRoomMs)];
      }),
    ),
  ];
}

/** What passing leases on within one isolate changes, in Markdown. */
function passing(): string[] {
  const times = (unit: string) => SERVICE_MS_PASSED.map((ms) => `${number(ms)} ${unit}`);
  return [
    ...section(
      `Idle between two requests, ms, by the share of ${WITHIN}`,
      ["", ...SHARES_PASSED.map(percent)],
      PLACEMENTS.map((one) => [one.name, ...SHARES_PASSED.map((passed) => tenths(idleMs(one, passed)))]),
    ),
    ...section(
      `The share of its time that a server works, all near the servers, by the share of ${WITHIN} and by service time`,
      ["", ...times("ms")],
      [
        ...SHARES_PASSED.map((passed) => [
          percent(passed),
          ...SERVICE_MS_PASSED.map((ms) => percent(utilisation(BEST, ms, passed))),
        ]),
        ["at most passed on", ...SERVICE_MS_PASSED.map((ms) => percentTenths(mostPassed(BEST, ms)))],
      ],
    ),
    ...section(
      `What one object carries, all near the servers, by the share of ${WITHIN}`,
      ["", "requests a second", ...times("ms: servers")],
      SHARES_PASSED.map((passed) => [
        percent(passed),
        rate(objectRate(passed)),
        ...SERVICE_MS_PASSED.map((ms) => slotsOfOneObject(BEST, ms, passed)),
      ]),
    ),
  ];
}

/** What the share of hand-overs within one isolate changes, in short, in Markdown. */
export function passedTable(): string {
  return table(
    [
      WITHIN,
      "a slot's idle time",
      "a server of 10 ms works",
      "of 100 ms",
      "rows a request",
      "a million requests",
    ],
    SHARES_PASSED.map((passed) => [
      percent(passed),
      `${tenths(idleMs(BEST, passed))} ms`,
      percent(utilisation(BEST, 10, passed)),
      percent(utilisation(BEST, 100, passed)),
      takenOf(RATE_PASSED, 1, passed).rows.toFixed(2),
      `$${dollars(costOfMillion(RATE_PASSED, 1, passed).total)}`,
    ]),
  );
}

/** What a pool does at its limit, by the number of its objects, in Markdown. */
export function shardsTable(): string {
  return table(
    ["shards", "requests a second", "servers at work", "wait, ms", "99th percentile", "overtaken"],
    SHARDS.map((shards) => {
      const played = playShards({ ...SHARDED, shards, load: null });
      const { perSecond, overtaken } = played;
      return [shards, rate(perSecond), percent(played.utilisation), ...waits(played), percent(overtaken)];
    }),
  );
}

function waits({ waitMs }: ReturnType<typeof playShards>): number[] {
  return [waitMs.median, waitMs.p99].map(Math.round);
}

/** What deferred requests cost beside direct ones, in Markdown. */
export function deferredTable(): string {
  return table(
    ["at a server", "requests", "CPU", "rows", "duration", "storage", "together"],
    [
      costsOf("(a direct request)", { ...costOfMillion(DEFERRED_RATE, 0), storage: 0 }),
      ...DEFERRED.map((one) => costsOf(one.name, costOfMillionDeferred(one, DEFERRED_RATE))),
    ],
  );
}

/** How much of a key's requests go to its own server, in Markdown. */
export function affinityTable(): string {
  const shares = (slots: number) =>
    LOADS.map((load) => percent(playAffinity({ ...AFFINITY, slots, load, requests: 30_000 }).own));
  return table(
    ["slots of a server", ...LOADS.map((load) => `${percent(load)} load`)],
    SLOTS_OF_A_SERVER.map((slots) => [number(slots), ...shares(slots)]),
  );
}

function inputs(): (string | number)[][] {
  return [
    ["round trip near by", ROUND_TRIP_MS.near],
    ["round trip within a continent", ROUND_TRIP_MS.continent],
    ["round trip across an ocean", ROUND_TRIP_MS.ocean],
    ["commit of a row", COMMIT_MS],
    ["computing", COMPUTE_MS],
  ];
}

function dollarsOf({ requests, cpu, rows, duration, total }: Cost): string[] {
  return [requests, cpu, rows, duration, total].map(dollars);
}

function costsOf(name: string, cost: CostOfDeferred): string[] {
  const { requests, cpu, rows, duration, storage, total } = cost;
  return [name, ...[requests, cpu, rows, duration, storage, total].map(dollars)];
}

function section(title: string, head: string[], rows: (string | number)[][]): string[] {
  return [`### ${title}`, "", table(head, rows), ""];
}

function table(head: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) =>
    `| ${cells.map((cell) => (typeof cell === "number" ? number(cell) : cell)).join(" | ")} |`;
  const rule = head.map((_, n) => (n === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

function number(value: number): string {
  return value.toLocaleString("en-GB");
}

function dollars(amount: number): string {
  return amount.toFixed(2);
}

function rate(value: number): string {
  return value < 10 ? value.toFixed(1) : number(Math.round(value));
}

function tenths(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

function percentTenths(share: number): string {
  return `${tenths(share * 100)} %`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
