import type { Snapshot } from "../../scheduler/snapshot.ts";
import { grouped, serversInUse } from "../../words/phrases.ts";
import { fineDuration } from "../../words/times.ts";
import { keyed, make, setText } from "./dom.ts";

type Figure = [name: string, value: string];

/** A pool in numbers, as it is now. */
export function figuresOf(pool: Snapshot): Figure[] {
  return [
    ["In flight", `${pool.inFlight} of ${pool.slots}`],
    ["Waiting", grouped(pool.queued)],
    ["Oldest wait", pool.queued === 0 ? "none" : fineDuration(pool.oldestWaitMs)],
    ["Servers in use", `${serversInUse(pool)} of ${pool.servers.length}`],
  ];
}

/** The same with the totals since the pool was created. */
export function allFiguresOf(pool: Snapshot): Figure[] {
  const refusals = Object.values(pool.totals.refused).reduce((sum, count) => sum + count, 0);
  return [
    ...figuresOf(pool),
    ["Quarantined", String(pool.quarantined)],
    ["Completed", grouped(pool.totals.completed)],
    ["Refused", grouped(refusals)],
  ];
}

/** `list` is a `dl`. */
export function drawFigures(list: Element, figures: readonly Figure[]): void {
  keyed(
    list,
    figures,
    ([name]) => name,
    () => make("div", "", make("dt"), make("dd")),
    (row, [name, value]) => {
      setText(row.firstChild, name);
      setText(row.lastChild, value);
    },
  );
}
