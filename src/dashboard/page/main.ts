import type { PoolEvent } from "../../scheduler/record/events.ts";
import { clockInWords } from "../../words/times.ts";
import { allPools, Problem, whoIsSignedIn } from "./api.ts";
import { now } from "./clock.ts";
import { problemWords } from "./connection.ts";
import { byId } from "./dom.ts";
import { sentence } from "./events.ts";
import { follow } from "./feed.ts";
import { Model } from "./model.ts";
import { announce } from "./notices.ts";
import { startPoolMenu } from "./pool-menu.ts";
import { guardPresses } from "./presses.ts";
import { View } from "./view.ts";

/** How often the overview asks for all pools, in ms. */
const ALL_MS = 3_000;
/** The same beside a chosen pool. Each time wakes the objects of idle pools. */
const OTHERS_MS = 15_000;

const model = new Model();
const view = new View(model, () => {
  isMeOutdated = true;
  void askMe();
});
let unfollow = () => {};
let askedAt = 0;
/** Rights may have changed. */
let isMeOutdated = true;
/** Numbers of the latest request for all pools, and of the latest that was answered: answers can overtake. */
let lastAsked = 0;
let lastAnswered = 0;

guardPresses();
byId("sign-in").addEventListener("click", () => location.reload());
startPoolMenu();
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", choose);
document.addEventListener("visibilitychange", () => {
  // askedAt is infinite while signed out: each request would make the browser ask for the password.
  if (!document.hidden && model.chosen === null && Number.isFinite(askedAt)) askAll();
});
void askMe();
choose();
setInterval(() => {
  model.tick();
  // A hidden page does not need all pools. It still follows the chosen one.
  const every = model.chosen === null ? ALL_MS : OTHERS_MS;
  if (!document.hidden && Date.now() - askedAt >= every) askAll();
  if (model.connection.state === "live") void askMe();
  view.draw();
}, 1_000);

/** Shows the pool that the address names, so that links and Back work. A single pool is shown without a choice. */
function choose(): void {
  const named = /^#\/(.+)$/.exec(location.hash)?.[1];
  const only = model.names.length === 1 ? model.names[0] : undefined;
  const pool = named === undefined ? (only ?? null) : decoded(named);
  if (pool !== model.chosen || askedAt === 0) {
    unfollow();
    model.choose(pool);
    unfollow = pool === null ? () => {} : followPool(pool);
    askAll();
  }
  view.draw();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Asks who has signed in, if that may have changed. */
async function askMe(): Promise<void> {
  if (!isMeOutdated || !Number.isFinite(askedAt)) return;
  isMeOutdated = false;
  try {
    model.me = await whoIsSignedIn();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    isMeOutdated = true;
    if (error.status === 401) askedAt = Number.POSITIVE_INFINITY;
  }
  view.draw();
}

async function askAll(): Promise<void> {
  askedAt = Date.now();
  const chosenBefore = model.chosen;
  const number = ++lastAsked;
  try {
    const all = await allPools();
    if (number < lastAnswered) return;
    lastAnswered = number;
    model.addAll(all);
    if (model.chosen === null) {
      if (model.connection.state === "lost") announce("Connected again.");
      model.setConnected();
    }
    if (model.chosen === null && model.names.length === 1) choose();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (number < lastAnswered) return;
    // The stream of a chosen pool knows better whether there is a connection.
    if (model.chosen === null && chosenBefore === null) onLost(error);
    if (error.status === 401) askedAt = Number.POSITIVE_INFINITY;
  }
  view.draw();
}

function followPool(pool: string): () => void {
  // Events before the first snapshot are from earlier, and not announced.
  let hasCaughtUp = false;
  return follow(pool, {
    onContact: () => model.setConnected(),
    onEvent: (name, data) => {
      const content = JSON.parse(data);
      if (name === "snapshot") {
        hasCaughtUp = true;
        model.addSnapshot(content);
      } else if (name === "history") model.addRecord(content);
      else if (name === "unreachable") onUnreachable(pool, content.at);
      else onPoolEvent(content, hasCaughtUp);
      view.draw();
    },
    onLost: (problem) => {
      hasCaughtUp = false;
      // These two are answers of Sluice, so the connection to it works.
      if (problem.code === "unknown-pool") model.setUnknown();
      else if (problem.code === "pool-unavailable") onUnreachable(pool);
      else onLost(problem);
      view.draw();
    },
  });
}

function onPoolEvent(event: PoolEvent, isNew: boolean): void {
  const isKnown = model.events.has(event.id);
  model.events.set(event.id, event);
  if (isNew && !isKnown) announce(sentence(event, (instant) => clockInWords(instant, now())));
}

function onUnreachable(pool: string, at?: string): void {
  if (!model.unreachable.has(pool)) announce(`${pool} cannot be reached.`);
  model.setUnreachable(at);
  model.setConnected();
}

function onLost(problem: Problem): void {
  if (model.connection.state !== "lost") announce(`${problemWords(problem)}.`);
  model.setDisconnected(problem);
  isMeOutdated = true;
}
