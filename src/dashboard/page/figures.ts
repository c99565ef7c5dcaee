import type { DeferredSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { occupancy, percentiles, rate } from "../../words/capacity.ts";
import { grouped, serversInUse } from "../../words/phrases.ts";
import { fineDuration, oneUnit } from "../../words/times.ts";
import { keyed, make, setText } from "./dom.ts";
import { setSteadyText } from "./steady.ts";

type Figure = [name: string, value: string];

const WAITED = "Waited (p50, p95, p99)";
const AT_SERVERS = "At servers (p50, p95, p99)";

/** These take the room of two. */
const LONG = [WAITED, AT_SERVERS];

/** A pool in numbers, as it is now. */
export function figuresOf(pool: Snapshot): Figure[] {
  return [
    ["In flight", `${pool.inFlight} of ${pool.slots}`],
    ["Waiting", occupancy(pool) + ofStored(pool, ({ queued }) => `and ${grouped(queued)} stored`)],
    ["Oldest wait", oldestWait(pool) + ofStored(pool, ({ oldestMs }) => `stored ${oneUnit(oldestMs)}`)],
    ["Servers in use", `${serversInUse(pool)} of ${pool.servers.length}`],
  ];
}

/** `oldestWaitMs` knows only of the requests that are not stored. */
function oldestWait({ queued, oldestWaitMs, deferred }: Snapshot): string {
  return queued === (deferred?.queued ?? 0) ? "none" : fineDuration(oldestWaitMs);
}

/** In brackets; empty if no stored request waits. */
function ofStored({ deferred }: Snapshot, say: (deferred: DeferredSnapshot) => string): string {
  return deferred && deferred.queued > 0 ? ` (${say(deferred)})` : "";
}

/** The same with the totals since the pool was created. */
export function allFiguresOf(pool: Snapshot): Figure[] {
  const refusals = Object.values(pool.totals.refused).reduce((sum, count) => sum + count, 0);
  return [
    ...figuresOf(pool),
    ["Arrivals", rate(pool.arrivalsPerSecond)],
    ["Grants", rate(pool.grantsPerSecond)],
    ["Quarantined", String(pool.quarantined)],
    ["Completed", grouped(pool.totals.completed)],
    ["Refused", grouped(refusals)],
    [WAITED, timesOf(pool.waitMs)],
    [AT_SERVERS, timesOf(pool.serviceMs)],
  ];
}

/** `12 ms, 340 ms, 1.2 s`. */
function timesOf(times: Snapshot["waitMs"]): string {
  return percentiles(times)
    .map(([, time]) => time)
    .join(", ");
}

/** `list` is a `dl`. */
export function drawFigures(list: Element, figures: readonly Figure[]): void {
  keyed(
    list,
    figures,
    ([name]) => name,
    ([name]) => make("div", LONG.includes(name) ? "long" : "", make("dt"), make("dd")),
    (row, [name, value]) => {
      setText(row.firstChild, name);
      // Those of ten minutes change slowly, and would take a second line for what they seldom are.
      const set = LONG.includes(name) ? setText : setSteadyText;
      set(row.lastElementChild, value);
    },
  );
}
