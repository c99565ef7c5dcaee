import type { Snapshot } from "../../scheduler/snapshot.ts";
import {
  fullWords,
  nextLimit,
  occupancy,
  percentiles,
  queuedDirectly,
  rate,
  timeLeftWords,
} from "../../words/capacity.ts";
import { inSentence } from "../../words/phrases.ts";
import { shardShortage, shortageWords } from "../../words/shards-needed.ts";
import type { Style } from "./output.ts";

/**
 * How much time is left while nothing is dispatched, how full the waiting list is, and how long requests take; and that the
 * pool has too few objects, where it does.
 */
export function capacityLines(pool: Snapshot, style: Style): string[] {
  const { arrivalsPerSecond, grantsPerSecond, fullInMs, waitMs, serviceMs } = pool;
  const left = timeLeftWords(pool);
  const full = fullWords(fullInMs);
  const shortage = shardShortage(pool);
  const traffic = [
    `waiting ${occupancy(pool)}`,
    ...(full ? [marked(pool, full, style)] : []),
    `arrivals ${rate(arrivalsPerSecond)}`,
    `grants ${rate(grantsPerSecond)}`,
  ];
  return [
    ...(left ? [`time left: ${marked(pool, left, style)}`] : []),
    traffic.join(" · "),
    `waited  ${percentileWords(waitMs)}`,
    `served  ${percentileWords(serviceMs)}`,
    ...(shortage ? [style("yellow", inSentence(shortageWords(shortage)))] : []),
  ];
}

/** `p50 12 ms · p95 340 ms · p99 1.2 s`. */
function percentileWords(times: Snapshot["waitMs"]): string {
  return percentiles(times)
    .map((percentile) => percentile.join(" "))
    .join(" · ");
}

/** `12/1000`. */
export function queuedCell(pool: Snapshot, style: Style): string {
  const queued = queuedDirectly(pool);
  const limit = pool.maxQueue === null ? "" : `/${pool.maxQueue}`;
  return (queued > 0 ? style("cyan", String(queued)) : "0") + limit;
}

/** `40 s (full)`; see `nextLimit`. */
export function limitCell(pool: Snapshot, style: Style): string {
  const limit = nextLimit(pool);
  return limit ? marked(pool, limit, style) : "–";
}

/** Red once requests are refused because the list is full. */
function marked({ fullInMs }: Snapshot, words: string, style: Style): string {
  return style(fullInMs === 0 ? "red" : "yellow", words);
}
