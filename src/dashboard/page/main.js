/** @import { PoolEvent } from "../../scheduler/record/events.ts" */
import { allPools, Problem } from "./api.js";
import { now } from "./clock.js";
import { startDialog } from "./dialog.js";
import { byId } from "./dom.js";
import { follow } from "./feed.js";
import { sentence } from "./happenings.js";
import { Model } from "./model.js";
import { announce, problemWords, startNotices } from "./notices.js";
import { View } from "./view.js";
import { clockTime } from "./words.js";

/** All pools are asked this often while they are what is looked at, … */
const ALL_MS = 3_000;
/** … and this often beside a chosen one: an idle pool sleeps, and is not to be kept awake. */
const OTHERS_MS = 15_000;

const model = new Model();
const view = new View(model);
let unfollow = () => {};
let askedAt = 0;
/** Questions about all pools, and the latest of them that was answered: an answer may overtake another. */
let asked = 0;
let answered = 0;

startDialog();
startNotices();
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", choose);
document.addEventListener("visibilitychange", () => {
  // Who is signed out would be asked for the password with each look.
  if (!document.hidden && model.chosen === null && Number.isFinite(askedAt)) askAll();
});
choose();
setInterval(() => {
  model.tick();
  // Nobody looks: what the pools do can wait, and a chosen one is followed all the same.
  const every = model.chosen === null ? ALL_MS : OTHERS_MS;
  if (!document.hidden && Date.now() - askedAt >= every) askAll();
  view.draw();
}, 1_000);

/** By the address, so that it can be linked and Back works. A pool that is the only one needs no choice. */
function choose() {
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

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function askAll() {
  askedAt = Date.now();
  const follows = model.chosen;
  const turn = ++asked;
  try {
    const all = await allPools();
    if (turn < answered) return;
    answered = turn;
    model.sawAll(all);
    if (model.chosen === null) {
      if (model.connection.state === "lost") announce("Connected again.");
      model.contact();
    }
    if (model.chosen === null && model.names.length === 1) choose();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (turn < answered) return;
    // A chosen pool's own stream knows better whether there is a connection.
    if (model.chosen === null && follows === null) lost(error);
    // The browser would ask for the password each time.
    if (error.status === 401) askedAt = Number.POSITIVE_INFINITY;
  }
  view.draw();
}

/** @param {string} pool */
function followPool(pool) {
  // What is kept from before comes first; it is no news.
  let caughtUp = false;
  return follow(pool, {
    contact: () => model.contact(),
    event: (name, data) => {
      const content = JSON.parse(data);
      if (name === "snapshot") {
        caughtUp = true;
        model.saw(content);
      } else if (name === "history") model.told(content);
      else if (name === "unreachable") lostPool(pool, content.at);
      else heard(content, caughtUp);
      view.draw();
    },
    lost: (problem) => {
      caughtUp = false;
      // Whoever says so is Sluice: the connection to it is well.
      if (problem.code === "unknown-pool") model.noSuchPool();
      else if (problem.code === "pool-unavailable") lostPool(pool);
      else lost(problem);
      view.draw();
    },
  });
}

/**
 * @param {PoolEvent} event
 * @param {boolean} isNews
 */
function heard(event, isNews) {
  const known = model.events.has(event.id);
  model.events.set(event.id, event);
  if (isNews && !known) announce(sentence(event, (instant) => clockTime(instant, now())));
}

/**
 * @param {string} pool
 * @param {string} [at]
 */
function lostPool(pool, at) {
  if (!model.unreachable.has(pool)) announce(`${pool} cannot be reached.`);
  model.lostChosen(at);
  model.contact();
}

/** @param {Problem} problem */
function lost(problem) {
  if (model.connection.state !== "lost") announce(`${problemWords(problem)}.`);
  model.lost(problem);
}
