/**
 * @import { PoolEvent } from "../../scheduler/record/events.ts"
 * @import { Snapshot } from "../../scheduler/snapshot.ts"
 * @import { Advice } from "./advice-servers.js"
 * @import { History } from "./history.js"
 */
import { unserved } from "./advice-servers.js";
import { clockTime, counted, duration, whole } from "./words.js";

const SOON_MS = 2 * 60_000;
const RECENT_MS = 60_000;
/** Less than this, or within less time, is no trend. */
const LEAST_GROWTH = 5;
const SHORTEST_TREND_MS = 20_000;
const LATELY_MS = 10_000;

/** @type {Record<string, string>} */
const AGAINST_REFUSALS = {
  "queue-full": "the waiting list is full. Add servers or slots, or raise max_queue",
  "queue-timeout": "they waited longer than queue_timeout. Add servers or slots",
  "no-server": "no server is available. Bring one up, or set one to ready",
  "bad-gateway": "servers cannot be reached or break off. Look at the servers and their logs",
  "server-timeout":
    "servers are silent for longer than server_timeout, or work for longer than longest. Look at what they are busy with",
  "client-timeout": "uploads stop for longer than client_timeout. Raise it if the clients are only slow",
};

/**
 * What is wrong and what to do, gravest first.
 * @param {Snapshot} pool
 * @param {number} now
 * @param {History | undefined} history
 * @param {PoolEvent[]} [events] Without them, as in the overview, what was counted has to do.
 * @returns {Advice[]}
 */
export function adviceFor(pool, now, history, events) {
  const all = [
    ...unserved(pool, now),
    ...refusals(pool, events ? refusedOf(events, now) : history?.refused(now)),
    ...drain(pool, now),
    ...growth(pool, now, history, events ?? []),
    ...quarantine(pool, now),
  ];
  const order = { bad: 0, warn: 1, plain: 2 };
  return all.sort((a, b) => order[a.weight] - order[b.weight]);
}

/**
 * @param {Snapshot} pool
 * @param {number} now
 * @returns {Advice[]}
 */
function drain({ state, drain, inFlight, queued, servers }, now) {
  if (!drain) return [];
  /** @type {Advice[]} */
  const advice = [];
  const left = Date.parse(drain.expiresAt) - now;
  if (left < SOON_MS) {
    const then = `The drain ends by itself in ${whole(left)}, and requests go to the servers again. `;
    advice.push({ key: "expiry", weight: "warn", text: `${then}Not finished? Extend it.` });
  }
  const waiting = queued > 0 ? `; ${counted(queued, "request")} will go on then` : "";
  if (state === "drained") {
    const text = `Nothing is in flight: now is the time for the deploy. Resume afterwards${waiting}.`;
    advice.push({ key: "drained", weight: "plain", text });
    return advice;
  }
  const leases = servers.flatMap((server) => server.leases.map((lease) => ({ server, lease })));
  leases.sort((a, b) => a.lease.since.localeCompare(b.lease.since));
  const [oldest] = leases;
  const longest = oldest
    ? ` The longest is on ${oldest.server.name}, for ${duration(now - Date.parse(oldest.lease.since))}.`
    : "";
  const text = `Wait before you deploy: ${counted(inFlight, "slot")} still in flight.${longest}`;
  advice.push({ key: "draining", weight: "plain", text });
  return advice;
}

/**
 * @param {Snapshot} pool
 * @param {number} now
 * @param {History | undefined} history
 * @param {PoolEvent[]} events
 * @returns {Advice[]}
 */
function growth({ drain, queued }, now, history, events) {
  // What piled up in a drain is no trend.
  const resumed = events.flatMap(({ kind, at }) => (kind === "resume" ? [Date.parse(at)] : []));
  const before = history?.since(Math.max(now - RECENT_MS, history.drainedAt, ...resumed));
  if (drain || !before || now - before.at < SHORTEST_TREND_MS) return [];
  const lately = history?.since(now - LATELY_MS);
  if (lately && queued < lately.queued) return [];
  if (queued - before.queued < Math.max(LEAST_GROWTH, before.queued / 10)) return [];
  const text =
    `The waiting list grows: ${before.queued} → ${queued} within ${whole(now - before.at)}. More comes than the servers finish: ` +
    "add servers or slots, or find out who sends so much.";
  return [{ key: "growth", weight: "warn", text }];
}

/**
 * @param {Snapshot} pool
 * @param {number} now
 * @returns {Advice[]}
 */
function quarantine({ quarantined, servers }, now) {
  if (quarantined === 0) return [];
  const ends = servers.flatMap(({ leases }) => leases.flatMap(({ until }) => until ?? []));
  const [first] = ends.sort();
  const which = quarantined === 1 ? "It opens" : "The first opens";
  const opens =
    first === undefined
      ? "It opens by itself"
      : `${which} by itself at ${clockTime(first, now)} at the latest`;
  const text =
    `${counted(quarantined, "slot")} in quarantine: the request was cut off, its server may still be at work. ` +
    `${opens}; free it by hand only if you know that the server is idle.`;
  return [{ key: "quarantine", weight: "warn", text }];
}

/**
 * How many were refused lately, by code.
 * @param {PoolEvent[]} events
 * @param {number} now
 */
function refusedOf(events, now) {
  /** @type {Map<string, number>} */
  const recent = new Map();
  for (const event of events) {
    if (event.kind !== "refusal" || now - Date.parse(event.until ?? event.at) > RECENT_MS) continue;
    recent.set(event.code, (recent.get(event.code) ?? 0) + (event.count ?? 1));
  }
  return recent;
}

/**
 * @param {Snapshot} pool
 * @param {Map<string, number>} [recent]
 * @returns {Advice[]}
 */
function refusals({ drain }, recent = new Map()) {
  return [...recent].map(([code, count]) => ({
    key: `refusal ${code}`,
    weight: "bad",
    text: `${counted(count, "request")} refused lately (${code}): ${againstRefusal(code, drain !== null)}.`,
  }));
}

/**
 * @param {string} code
 * @param {boolean} drained
 */
function againstRefusal(code, drained) {
  if (drained && code === "queue-full")
    return "the waiting list is full while the pool is drained. Resume as soon as you can";
  if (drained && code === "queue-timeout")
    return "they waited longer than queue_timeout for a drained pool. Resume as soon as you can";
  return AGAINST_REFUSALS[code] ?? "see the events";
}
