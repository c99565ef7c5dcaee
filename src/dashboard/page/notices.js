/** @import { Problem } from "./api.js" */
import { byId, setAttributes, setText } from "./dom.js";
import { whole } from "./words.js";

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "lost"} state
 * @property {number | null} lastSeen When something last came, by this browser's clock.
 * @property {Problem | null} problem
 */

/**
 * For who listens to the page instead of looking at it.
 * @param {string} words
 */
export function announce(words) {
  setText(byId("announcer"), words);
}

/**
 * What came of an act; it stays until it is dismissed or another one follows.
 * @param {string} words
 */
export function tellOutcome(words) {
  setText(byId("outcome-words"), words);
  byId("outcome").hidden = false;
  announce(words);
}

export function startNotices() {
  byId("outcome-seen").addEventListener("click", () => {
    byId("outcome").hidden = true;
    byId("main").focus();
  });
  byId("sign-in").addEventListener("click", () => location.reload());
}

/**
 * @param {Connection} connection
 * @param {string | null} trouble What is wrong with the pool although Sluice answers.
 */
export function showConnection({ state, lastSeen, problem }, trouble) {
  const lost = state === "lost";
  const seen = lastSeen === null ? "" : `last seen ${whole(Date.now() - lastSeen)} ago`;
  const words = { connecting: "Connecting…", live: "Live", lost: seen || "Nothing seen yet" }[state];
  const stale = lost || trouble !== null;
  setText(
    byId("connection"),
    stale && !lost ? "Pool not reached" : words.charAt(0).toUpperCase() + words.slice(1),
  );
  setAttributes(byId("connection"), { "data-state": stale ? "lost" : state });
  setAttributes(document.body, { "data-stale": stale ? "" : null });
  byId("lost").hidden = !stale;
  byId("sign-in").hidden = problem?.status !== 401;
  if (lost) setText(byId("lost-words"), lostWords(problem, seen));
  else if (trouble !== null) setText(byId("lost-words"), trouble);
}

/**
 * @param {Problem | null} problem
 * @param {string} seen
 */
function lostWords(problem, seen) {
  const old = seen ? `; what you see is from then (${seen})` : "";
  return `${problemWords(problem)}${old}.${problem?.status === 401 ? "" : " Trying again…"}`;
}

/** @param {Problem | null} problem */
export function problemWords(problem) {
  if (problem === null || problem.status === 0) return "The connection to Sluice is lost";
  if (problem.status === 401) return "You are signed out: Sluice does not take this browser’s token any more";
  return problem.message.replace(/\.$/, "");
}
