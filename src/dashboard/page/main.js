/** @import { PoolEvent } from "../../scheduler/events.ts" */
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

startDialog();
startNotices();
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", choose);
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
  const only = model.pools.size === 1 ? [...model.pools.keys()][0] : undefined;
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
  try {
    model.sawAll(await allPools());
    if (model.chosen === null) {
      if (model.connection.state === "lost") announce("Connected again.");
      model.contact();
    }
    if (model.chosen === null && model.pools.size === 1) choose();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
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
      } else if (name === "unreachable") model.unreachableSince = content.at;
      else heard(content, caughtUp);
      view.draw();
    },
    lost: (problem) => {
      caughtUp = false;
      lost(problem);
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

/** @param {Problem} problem */
function lost(problem) {
  if (model.connection.state !== "lost") announce(`${problemWords(problem)}.`);
  model.lost(problem);
}
