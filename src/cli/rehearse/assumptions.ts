import { duration } from "../../words/times.ts";
import { IDLE_CLOSE_MS } from "./acts/holds.ts";
import type { Act, Assumption, HandOvers, Measured, Result, Where } from "./report.ts";

/** What the model plans with (bench/model/inputs.ts; a test holds that they are the same), in ms. */
export const ASSUMED = {
  roundTrip: { near: 3, continent: 30 },
  commit: 6,
  compute: 2,
  /** Calls a second of one object. */
  objectRate: 350,
  /** The share of hand-overs within one isolate, in one data centre. */
  passedOn: 0.9,
  /** How long a request waits at most while another shard has a free slot; nearly always. */
  besideRoom: 300,
} as const;

const ADDED_MS = ASSUMED.roundTrip.near + ASSUMED.commit + ASSUMED.compute;
const ROUND_TRIPS = `${ASSUMED.roundTrip.near} ms near by, ${ASSUMED.roundTrip.continent} ms on a continent`;
const ONE_MACHINE = "one machine: its figures say nothing of Cloudflare's network";

/** How long a slot is idle between two requests, all near, by the model: a lease that is passed on needs no object. */
export function idleMs(passedOn: number): number {
  const { roundTrip, commit, compute } = ASSUMED;
  return roundTrip.near + compute + (1 - passedOn) * (roundTrip.near + commit);
}

/** The share of hand-overs within one isolate. */
export function sharePassed({ all, passedOn }: HandOvers): number {
  return passedOn / all;
}

/** How each of our assumptions has done. */
export function judge(where: Where, measured: Measured, acts: readonly Act[]): Assumption[] {
  const { roundTrip, commit, slotIdle, handOvers, shards, latency, objectRate } = measured;
  // The idle time is a median: what most slots had, that were handed over either way.
  const medianPassed = handOvers && sharePassed(handOvers) > 0.5 ? 1 : 0;
  const byObject = medianPassed ? 0 : roundTrip.object + commit;
  const compute = slotIdle ? slotIdle.median - roundTrip.server - byObject : null;
  const timed = (
    name: string,
    title: string,
    assumed: string,
    ms: number | null,
    most: number,
  ): Assumption => ({
    name,
    title,
    assumed,
    measured: ms === null ? null : inMs(ms),
    ...(where === "local" ? notOn(ONE_MACHINE) : ms === null ? notOn("not measured") : verdict(ms <= most)),
  });
  const { near, continent } = ASSUMED.roundTrip;
  return [
    timed("round-trip-object", "Worker to object and back", ROUND_TRIPS, roundTrip.object, continent),
    timed("round-trip-pool", "the same to the pool, a look", ROUND_TRIPS, roundTrip.pool, continent),
    timed("round-trip-server", "Worker to server and back", ROUND_TRIPS, roundTrip.server, continent),
    timed("commit", "commit of a row", `${ASSUMED.commit} ms`, commit, ASSUMED.commit),
    timed(
      "compute",
      "computing of a hand-over (the rest)",
      `${ASSUMED.compute} ms`,
      compute,
      ASSUMED.compute,
    ),
    timed(
      "slot-idle",
      "slot idle between two requests",
      `${idleMs(medianPassed)} ms, all near`,
      slotIdle?.median ?? null,
      idleMs(medianPassed) + (2 - medianPassed) * (continent - near),
    ),
    withinOneIsolate(where, handOvers),
    besideRoom(where, shards),
    timed(
      "added-latency",
      "added to a request that need not wait",
      `${ADDED_MS} ms, all near`,
      latency.added,
      ADDED_MS + continent - near,
    ),
    {
      name: "object-rate",
      title: "calls a second of one object that writes",
      assumed: `${ASSUMED.objectRate}`,
      measured: `${objectRate}`,
      ...(where === "local" ? notOn(ONE_MACHINE) : verdict(objectRate >= ASSUMED.objectRate)),
    },
    byAct(
      acts,
      "leave-waiting-close",
      "clients-noticed",
      "clients that close before their headers are noticed",
      "moments",
    ),
    byAct(
      acts,
      "leave-answer-close",
      "works-finish",
      "a server's work goes on when its client leaves in the answer",
      "to its end",
    ),
    watched(acts),
    ...holds(acts),
    byAct(acts, "deploy", "deploy", "a deploy of Sluice loses nothing", "0 dropped"),
  ];
}

function byAct(acts: readonly Act[], act: string, name: string, title: string, assumed: string): Assumption {
  const found = acts.find((one) => one.name === act);
  const { result = "not run", why = ["its act was not played"], summary = "" } = found ?? {};
  return { name, title, assumed, measured: summary || null, result, why };
}

/** Of a pool of several objects: one that waits gets a free slot of another one within moments. */
function besideRoom(where: Where, shards: Measured["shards"]): Assumption {
  const { p99 = null } = shards?.besideRoom ?? {};
  return {
    name: "beside-room",
    title: "a request waits beside a free slot of another shard",
    assumed: `less than ${ASSUMED.besideRoom} ms`,
    measured: p99 === null ? null : inMs(p99),
    ...(p99 === null
      ? notOn("a pool of one object: --shards")
      : where === "local"
        ? notOn(ONE_MACHINE)
        : verdict(p99 < ASSUMED.besideRoom)),
  };
}

/** Whether nearly all requests of one client's place run in one isolate, and pass their leases on there. */
function withinOneIsolate(where: Where, handOvers: HandOvers | null): Assumption {
  const share = handOvers ? sharePassed(handOvers) : null;
  return {
    name: "passed-on",
    title: "hand-overs within one isolate",
    assumed: `${ASSUMED.passedOn} or more`,
    measured: share === null ? null : share.toFixed(2),
    ...(where === "local"
      ? notOn(ONE_MACHINE)
      : share === null
        ? notOn("not measured")
        : verdict(share >= ASSUMED.passedOn)),
  };
}

/** A Worker is ended 30 s after its client has left, and its slot goes to quarantine then. */
function watched(acts: readonly Act[]): Assumption {
  const assumption = byAct(
    acts,
    "long-answer",
    "watched",
    "a request is watched on after its client has left",
    "30 s",
  );
  if (assumption.result === "not run") return assumption;
  const { quarantinedMs } = acts.find(({ name }) => name === "long-answer")?.figures ?? {};
  const measured = quarantinedMs === undefined ? "to its end" : duration(quarantinedMs);
  return { ...assumption, measured, ...verdict(quarantinedMs === undefined || quarantinedMs >= 29_000) };
}

function holds(acts: readonly Act[]): Assumption[] {
  const held = acts.filter(({ name, result }) => name.startsWith("hold-") && result !== "not run");
  const short = held.filter(({ figures }) => !isLonger(figures));
  const long = held.filter(({ figures }) => isLonger(figures));
  const isAnswered = ({ figures }: Act) => figures.answered === 1;
  const limit = duration(IDLE_CLOSE_MS);
  const base = acts.find(({ name }) => name === "hold");
  const why = base?.why ?? ["no hold of that length was played"];
  return [
    {
      name: "holds",
      title: `requests can be held for less than ${limit}`,
      assumed: "answered",
      measured: short.length > 0 ? short.map(({ summary }) => summary).join("; ") : null,
      ...(short.length > 0 ? verdict(short.every(isAnswered)) : notOn(...why)),
    },
    {
      name: "idle-close",
      title: "an idle connection is closed",
      assumed: `after ${limit}`,
      measured: long.length > 0 ? long.map(({ summary }) => summary).join("; ") : null,
      ...(long.length > 0 ? verdict(!long.some(isAnswered)) : notOn(...why)),
    },
  ];
}

function isLonger({ holdMs = 0 }: Act["figures"]): boolean {
  return holdMs >= IDLE_CLOSE_MS;
}

function verdict(holds: boolean): { result: Result; why: string[] } {
  return { result: holds ? "held" : "did not hold", why: [] };
}

function notOn(...why: string[]): { result: Result; why: string[] } {
  return { result: "not run", why };
}

function inMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
