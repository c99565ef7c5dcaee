/** @import { Snapshot } from "../../scheduler/snapshot.ts" */
import { keyed, make, setText } from "./dom.js";
import { duration, serversUp } from "./words.js";

/**
 * A pool in numbers, as it is now.
 * @param {Snapshot} pool
 */
export function figuresOf(pool) {
  return [
    ["In flight", `${pool.inFlight} of ${pool.slots}`],
    ["Waiting", pool.queued.toLocaleString("en-GB")],
    ["Oldest wait", pool.queued === 0 ? "none" : duration(pool.oldestWaitMs)],
    ["Servers in use", serversUp(pool)],
  ];
}

/**
 * What has been since the pool was created, too.
 * @param {Snapshot} pool
 */
export function allFiguresOf(pool) {
  const refused = Object.values(pool.totals.refused).reduce((sum, count) => sum + count, 0);
  return [
    ...figuresOf(pool),
    ["Quarantined", String(pool.quarantined)],
    ["Completed", pool.totals.completed.toLocaleString("en-GB")],
    ["Refused", refused.toLocaleString("en-GB")],
  ];
}

/**
 * @param {Element} list a `dl`
 * @param {string[][]} rows
 */
export function showFigures(list, rows) {
  const create = () => make("div", "", make("dt"), make("dd"));
  keyed(
    list,
    rows,
    ([name = ""]) => name,
    create,
    (row, [name = "", value = ""]) => {
      setText(/** @type {Node} */ (row.firstChild), name);
      setText(/** @type {Node} */ (row.lastChild), value);
    },
  );
}
