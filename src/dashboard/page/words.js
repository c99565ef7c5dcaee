/** @import { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts" */

/**
 * As a person says it: `320 ms`, `4.2 s`, `48 s`, `3 min 5 s`, `2 h 10 min`, `3 days`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  return whole(ms);
}

/**
 * The same without parts of a second, for what is counted by the second.
 * @param {number} ms
 */
export function whole(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joined(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joined(hours, "h", minutes % 60, "min");
  return `${Math.floor(hours / 24)} days`;
}

/**
 * The same in one unit, where there is little room and not much to say.
 * @param {number} ms
 */
export function roughly(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return whole(ms);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/**
 * @param {number} large
 * @param {string} unit
 * @param {number} small
 * @param {string} smallUnit
 */
function joined(large, unit, small, smallUnit) {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * In ms, of what the API takes for a duration; `null`: it is none.
 * @param {string} text
 */
export function durationOf(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  return unit === undefined ? null : Number(number) * UNITS[/** @type {keyof typeof UNITS} */ (unit)];
}

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY_AND_TIME = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/**
 * `09:02:11`, with the day unless it is today's.
 * @param {string | number} instant
 * @param {number} now
 */
export function clockTime(instant, now) {
  const date = new Date(instant);
  const today = date.toDateString() === new Date(now).toDateString();
  return (today ? TIME : DAY_AND_TIME).format(date);
}

/**
 * `1 request`, `2 requests`.
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${count.toLocaleString("en-GB")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * `a`, `a and b`, `a, b and 3 more`.
 * @param {string[]} names
 */
export function listed(names) {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

export const POOL_STATES = { running: "Running", draining: "Draining", drained: "Drained" };
export const SERVER_STATES = { ready: "ready", drain: "drain", maint: "maintenance" };

/**
 * May a request of any kind go there, slots aside?
 * @param {ServerSnapshot} server
 */
export function serves(server) {
  return server.state === "ready" && server.health !== "down";
}

/** @param {Snapshot} pool */
export function serversUp(pool) {
  return `${pool.servers.filter(serves).length} of ${pool.servers.length}`;
}
