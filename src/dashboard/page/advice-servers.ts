import type { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { isAllQuarantined, isAtRest, isMissing } from "../../words/condition.ts";
import { counted, inSentence, isTakenOut, listed, SERVER_STATES, serversInUse } from "../../words/phrases.ts";
import { wholeSeconds } from "../../words/times.ts";
import { type Advice, type Facts, type Symptoms, serversBack } from "./advice-causes.ts";
import {
  beginning,
  meanwhile,
  putBack,
  refusalWords,
  retryWords,
  sentences,
  weightOf,
} from "./advice-words.ts";
import { ofThemStored } from "./deferred-words.ts";

/** A pool without requests is not checked, so that what is known of a server grows old. */
const OLD_CHECK_MS = 2 * 60_000;

/** Of a pool whose configuration names no server. */
const NONE_REGISTERED = ["none has registered", "One that does is used by itself"] as const;

export function onNoServer({ pool, now }: Facts, symptoms: Symptoms): Advice {
  const { servers, drain, queued, lastWake } = pool;
  const down = servers.filter(isDown);
  const set = servers.filter((server) => isTakenOut(server) && !isDown(server));
  const [why, cure] = servers.length === 0 ? NONE_REGISTERED : whyNone(down, set, now);
  const waiting = `${counted(queued, "request")}${ofThemStored(pool)} wait${queued === 1 ? "s" : ""} for one`;
  const text = sentences(
    `No server takes requests: ${why}`,
    drain ? `Before you resume: ${inSentence(cure)}` : cure,
    oldCheckWords(down, now),
    meanwhile(symptoms, now) ?? (queued > 0 && !drain && waiting),
    queued > 0 &&
      lastWake &&
      `Servers were asked for ${wholeSeconds(now - Date.parse(lastWake.at))} ago: ${lastWake.got}`,
    retryWords(symptoms.refusals),
  );
  return { cause: "no-server", weight: weightOf(symptoms, drain || isAtRest(pool) ? "warn" : "bad"), text };
}

/** Why no server takes requests, and what helps. */
function whyNone(
  down: readonly ServerSnapshot[],
  set: readonly ServerSnapshot[],
  now: number,
): [why: string, cure: string] {
  if (down.length === 0 && set.length === 0)
    return ["all have left the configuration", "Deploy a configuration with others, or have others register"];
  if (down.length === 0) return [setWords(set, true), beginning(cureOfSet(set))];
  if (set.length === 0) return [downWords(down, now), cureOfDown(down, set)];
  return [`${downWords(down, now)}, and ${setWords(set, false)}`, cureOfDown(down, set)];
}

export function onMissingServers({ pool, now }: Facts, symptoms: Symptoms): Advice {
  const down = pool.servers.filter(isMissing);
  const whether = `whether ${down.length === 1 ? "it runs and answers its" : "they run and answer their"} health check`;
  const others = isAllQuarantined(pool) ? "Look" : `${othersWords(pool, down.length)}; look`;
  const text = sentences(
    downWords(down, now),
    `${pool.drain ? "Before you resume, look" : others} ${whether}`,
    oldCheckWords(down, now),
    meanwhile(symptoms, now),
    retryWords(symptoms.refusals),
  );
  return { cause: "servers-missing", weight: weightOf(symptoms, "warn"), text };
}

function othersWords(pool: Snapshot, down: number): string {
  const inUse = serversInUse(pool);
  if (inUse + down === pool.servers.length)
    return inUse === 1 ? "The other serves on" : "The others serve on";
  return `${inUse} of ${pool.servers.length} servers serve${inUse === 1 ? "s" : ""} on`;
}

/** What they have led to is over, or soon will be. */
export function onServersBack({ pool, now }: Facts, symptoms: Symptoms): Advice {
  const back = serversBack(pool, now).map(({ name }) => name);
  const they = back.length === 1 ? "it was" : "they were";
  const which =
    back.length === 0
      ? `no server was available; by now ${serversInUse(pool) === 1 ? "one is" : `${serversInUse(pool)} are`}`
      : `${listed(back)} came back less than a minute ago`;
  const what = symptoms.refusals.length > 0 ? `${refusalWords(symptoms.refusals, now)}: ` : "";
  const text = sentences(
    `${what}${which}`,
    what === "" && meanwhile(symptoms, now),
    `Look why ${back.length === 0 ? "none was" : `${they} out of use`}`,
    retryWords(symptoms.refusals),
  );
  return { cause: "servers-back", weight: weightOf(symptoms, "warn"), text };
}

/** Its checks fail. In maintenance nobody checks, so its health is from before. */
function isDown({ state, health }: ServerSnapshot): boolean {
  return health === "down" && state !== "maint";
}

function downWords(down: readonly ServerSnapshot[], now: number): string {
  const since = down.flatMap((server) => (server.healthSince ? [Date.parse(server.healthSince)] : []));
  const are = down.length === 1 ? "is" : "are";
  const first = down.length === 1 ? "" : "the first ";
  const time = since.length === 0 ? "" : `, ${first}for ${wholeSeconds(now - Math.min(...since))}`;
  const set = down.filter(isTakenOut);
  const who = set.length < down.length ? `${listed(set.map(({ name }) => name))} also ` : "";
  const also = set.length === 0 ? "" : `${time ? "," : ""} and ${who}set to ${statesOf(set)}`;
  return `${listed(down.map(({ name }) => name))} ${are} down${gotWords(down)}${time}${also}`;
}

/** What their last checks got: ` (status 301)`; empty: nobody has checked. */
function gotWords(down: readonly ServerSnapshot[]): string {
  const got = new Set(down.flatMap(({ lastCheck }) => (lastCheck && !lastCheck.passed ? lastCheck.got : [])));
  return got.size === 0 ? "" : ` (${listed([...got].sort())})`;
}

function setWords(set: readonly ServerSnapshot[], isAll: boolean): string {
  const who = isAll && set.length > 1 ? "all" : listed(set.map(({ name }) => name));
  return `${who} ${set.length === 1 ? "is" : "are"} set to ${statesOf(set)}${byOwners(set)}`;
}

/** What keeps requests from servers that were taken out: `drain`, `maintenance or weight 0`. */
function statesOf(set: readonly ServerSnapshot[]): string {
  const states = set.map(({ state }) => (state === "ready" ? "weight 0" : SERVER_STATES[state]));
  return [...new Set(states)].sort().join(" or ");
}

/** A server that a roll has taken out is about to be restarted. */
function byOwners(set: readonly ServerSnapshot[]): string {
  const owners = [...new Set(set.flatMap(ownersOf))];
  return owners.length === 0 ? "" : ` by ${listed(owners.map((owner) => `“${owner}”`))}`;
}

/** Whoever set it to ready has not taken it out. */
function ownersOf({ state, stateOwner }: ServerSnapshot): string[] {
  return state === "ready" || stateOwner === undefined ? [] : [stateOwner];
}

function cureOfDown(down: readonly ServerSnapshot[], set: readonly ServerSnapshot[]): string {
  const [them, they] = down.length === 1 ? ["it", "it is"] : ["them", "each is"];
  const both = down.filter(isTakenOut);
  if (set.length > 0)
    return `Start or mend what is down${both.length > 0 ? ` and ${putBack(both, "it")}` : ""}, or ${cureOfSet(set)}`;
  const ready = both.length > 0 ? `, and ${putBack(both, down.length === 1 ? "it" : "one")}` : "";
  return `Start or mend ${them}${ready}; ${they} used again by itself once its health checks pass`;
}

function cureOfSet(set: readonly ServerSnapshot[]): string {
  const which = set.length === 1 ? (set[0]?.name ?? "one") : "one";
  return putBack(set, which) + (set.flatMap(ownersOf).length > 0 ? ", if nobody is at work on it" : "");
}

function oldCheckWords(down: readonly ServerSnapshot[], now: number): string | null {
  const checks = down.map(({ lastCheck }) => (lastCheck ? Date.parse(lastCheck.at) : 0));
  const last = Math.max(0, ...checks);
  if (down.length === 0 || now - last < OLD_CHECK_MS) return null;
  const when = last === 0 ? "" : ` The last check was ${wholeSeconds(now - last)} ago.`;
  return `Without requests nobody checks, so this may be over: the next request tells.${when}`;
}
