import type { PoolEvent } from "../../scheduler/record/events.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { counted } from "../../words/phrases.ts";
import { clockInWords, fineDuration, wholeSeconds } from "../../words/times.ts";
import { type Advice, adviceOnServers } from "./advice-servers.ts";
import { AGAINST_FAILURES, ofThemStored } from "./deferred-words.ts";
import type { History } from "./history.ts";

const SOON_MS = 2 * 60_000;
const RECENT_MS = 60_000;
/** Growth of the waiting list by fewer requests, or seen for a shorter time, is no trend. */
const LEAST_GROWTH = 5;
const SHORTEST_TREND_MS = 20_000;
const LATELY_MS = 10_000;

const AGAINST_REFUSALS: Record<string, string> = {
  "queue-full": "the waiting list is full. Add servers or slots, or raise max_queue",
  "queue-timeout": "they waited longer than queue_timeout. Add servers or slots",
  "no-server": "no server is available. Bring one up, or set one to ready",
  "bad-gateway": "servers cannot be reached or break off. Look at the servers and their logs",
  "server-timeout":
    "servers are silent for longer than server_timeout, or work for longer than longest. Look at what they are busy with",
  "client-timeout": "uploads stop for longer than client_timeout. Raise it if the clients are only slow",
  "deferred-full": "as many requests are stored as max of deferred allows. Add servers or slots, or raise it",
};

/** All advice on a pool, gravest first. Without `events`, as in the overview, it goes by the counts of `history`. */
export function adviceFor(
  pool: Snapshot,
  now: number,
  history: History | undefined,
  events?: readonly PoolEvent[],
): Advice[] {
  const all = [
    ...adviceOnServers(pool, now),
    ...adviceOnRefusals(pool, events ? recent(events, "refusal", now) : history?.refusals(now)),
    ...(events ? adviceOnFailures(recent(events, "deferred-failed", now)) : failuresSeen(history, now)),
    ...adviceOnDrain(pool, now),
    ...adviceOnGrowth(pool, now, history, events ?? []),
    ...adviceOnQuarantine(pool, now),
  ];
  const order = { bad: 0, warn: 1, plain: 2 };
  return all.sort((a, b) => order[a.weight] - order[b.weight]);
}

function adviceOnDrain(pool: Snapshot, now: number): Advice[] {
  const { state, drain, inFlight, queued, servers } = pool;
  if (!drain) return [];
  const advice: Advice[] = [];
  const left = Date.parse(drain.expiresAt) - now;
  if (left < SOON_MS) {
    const then = `The drain ends by itself in ${wholeSeconds(left)}, and requests go to the servers again. `;
    advice.push({ key: "expiry", weight: "warn", text: `${then}Not finished? Extend it.` });
  }
  if (state === "drained") {
    const waiting = queued > 0 ? `; ${counted(queued, "request")}${ofThemStored(pool)} will go on then` : "";
    const text = `Nothing is in flight: now is the time for the deploy. Resume afterwards${waiting}.`;
    return [...advice, { key: "drained", weight: "plain", text }];
  }
  const leases = servers.flatMap((server) => server.leases.map((lease) => ({ server, lease })));
  leases.sort((a, b) => a.lease.since.localeCompare(b.lease.since));
  const [oldest] = leases;
  const longest = oldest
    ? ` The longest is on ${oldest.server.name}, for ${fineDuration(now - Date.parse(oldest.lease.since))}.`
    : "";
  const text = `Wait before you deploy: ${counted(inFlight, "slot")} still in flight.${longest}`;
  return [...advice, { key: "draining", weight: "plain", text }];
}

function adviceOnGrowth(
  { drain, queued }: Snapshot,
  now: number,
  history: History | undefined,
  events: readonly PoolEvent[],
): Advice[] {
  // Growth during a drain is no trend.
  const resumes = events.flatMap(({ kind, at }) => (kind === "resume" ? [Date.parse(at)] : []));
  const before = history?.firstSince(Math.max(now - RECENT_MS, history.drainedAt, ...resumes));
  if (drain || !before || now - before.at < SHORTEST_TREND_MS) return [];
  const lately = history?.firstSince(now - LATELY_MS);
  if (lately && queued < lately.queued) return [];
  if (queued - before.queued < Math.max(LEAST_GROWTH, before.queued / 10)) return [];
  const text =
    `The waiting list grows: ${before.queued} → ${queued} within ${wholeSeconds(now - before.at)}. More comes than the servers finish: ` +
    "add servers or slots, or find out who sends so much.";
  return [{ key: "growth", weight: "warn", text }];
}

function adviceOnQuarantine({ quarantined, servers }: Snapshot, now: number): Advice[] {
  if (quarantined === 0) return [];
  const ends = servers.flatMap(({ leases }) => leases.flatMap(({ until }) => until ?? []));
  const [first] = ends.sort();
  const which = quarantined === 1 ? "It opens" : "The first opens";
  const opens =
    first === undefined
      ? "It opens by itself"
      : `${which} by itself at ${clockInWords(first, now)} at the latest`;
  const text =
    `${counted(quarantined, "slot")} in quarantine: the request was cut off, its server may still be at work. ` +
    `${opens}; free it by hand only if you know that the server is idle.`;
  return [{ key: "quarantine", weight: "warn", text }];
}

/** Refused or failed requests by code. */
function recent(
  events: readonly PoolEvent[],
  kind: "refusal" | "deferred-failed",
  now: number,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== kind || now - Date.parse(event.until ?? event.at) > RECENT_MS) continue;
    counts.set(event.code, (counts.get(event.code) ?? 0) + (event.count ?? 1));
  }
  return counts;
}

function adviceOnFailures(counts: ReadonlyMap<string, number>): Advice[] {
  return [...counts].map(([code, count]) => {
    const cure = AGAINST_FAILURES[code];
    const lately = `${counted(count, "deferred request")} failed lately (${code})`;
    const text = `${lately}${cure === undefined ? "" : `: ${cure}`}. Then retry those that should be done.`;
    return { key: `deferred-failed ${code}`, weight: "bad", text };
  });
}

/** Where there are no events. */
function failuresSeen(history: History | undefined, now: number): Advice[] {
  const count = history?.failures(now) ?? 0;
  if (count === 0) return [];
  const text = `${counted(count, "deferred request")} failed lately. Look at the events of the pool.`;
  return [{ key: "deferred-failed", weight: "bad", text }];
}

function adviceOnRefusals({ drain }: Snapshot, counts = new Map<string, number>()): Advice[] {
  return [...counts].map(([code, count]) => ({
    key: `refusal ${code}`,
    weight: "bad",
    text: `${counted(count, "request")} refused lately (${code}): ${againstRefusal(code, drain !== null)}.`,
  }));
}

function againstRefusal(code: string, poolDrains: boolean): string {
  if (poolDrains && code === "queue-full")
    return "the waiting list is full while the pool is drained. Resume as soon as you can";
  if (poolDrains && code === "queue-timeout")
    return "they waited longer than queue_timeout for a drained pool. Resume as soon as you can";
  if (poolDrains && code === "deferred-full")
    return "as many requests are stored as may be, while the pool is drained. Resume as soon as you can";
  return AGAINST_REFUSALS[code] ?? "see the events";
}
