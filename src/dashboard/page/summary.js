/**
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Advice } from "./advice-servers.js"
 */
import { OWNER } from "./acts.js";
import { button, byId, keyed, make, setAttributes, setText } from "./dom.js";
import { allFiguresOf, showFigures } from "./figures.js";
import { clockTime, POOL_STATES, whole } from "./words.js";

/**
 * What state a pool is in, since when, by whom, and what can be done.
 * @param {Snapshot} pool
 * @param {boolean} live
 * @param {number} now
 */
export function showSummary(pool, live, now) {
  setText(byId("pool-title"), pool.name);
  setText(byId("state"), POOL_STATES[pool.state]);
  setAttributes(byId("state"), { "data-state": pool.state });
  setText(byId("drain"), pool.drain ? drainWords(pool.drain, now) : "");
  showFigures(byId("figures"), allFiguresOf(pool));
  showAct("act-drain", pool.drain === null, live);
  showAct("act-extend", pool.drain?.owner === OWNER, live);
  showAct("act-resume", pool.drain !== null, live);
}

/** @param {Advice[]} advice */
export function showAdvice(advice) {
  byId("attention").hidden = advice.length === 0;
  keyed(
    byId("advice"),
    advice,
    ({ key }) => key,
    () => make("li", "mark"),
    (item, { text, weight }) => {
      setText(item, text);
      setAttributes(item, { "data-mark": weight });
    },
  );
}

/**
 * @param {string} id
 * @param {boolean} offered
 * @param {boolean} live
 */
function showAct(id, offered, live) {
  const act = button(id);
  // The one that was just used goes away under the focus: the next one takes it.
  const focused = !offered && document.activeElement === act;
  act.hidden = !offered;
  setAttributes(act, { "aria-disabled": live ? null : "true" });
  if (focused) byId("pool-title").focus();
}

/**
 * @param {NonNullable<Snapshot["drain"]>} drain
 * @param {number} now
 */
function drainWords({ owner, reason, since, expiresAt }, now) {
  const left = whole(Date.parse(expiresAt) - now);
  return (
    `by “${owner}”${reason === null ? "" : `: ${reason}`} · for ${whole(now - Date.parse(since))} · ` +
    `ends by itself at ${clockTime(expiresAt, now)}, in ${left}`
  );
}
