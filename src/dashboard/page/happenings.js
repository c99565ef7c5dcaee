/** @import { PoolEvent } from "../../scheduler/record/events.ts" */
import { counted, SERVER_STATES } from "./words.js";

const CUT_OFF = {
  broken: "the server broke the connection",
  unreachable: "no connection could be made",
  timeout: "the server was silent for too long",
  longest: "the request took longer than any may",
  client: "the client left",
  stalled: "the client stopped in the middle of its upload",
  early: "the server answered before it had the request whole",
  lost: "the Worker that served it is gone",
};

const REFUSED = {
  "queue-full": "the waiting list was full",
  "queue-timeout": "they waited as long as they may",
  "no-server": "no server was available",
  "bad-gateway": "the server could not be reached or broke off",
  "server-timeout": "the server did not answer in time",
  "client-timeout": "the upload did not arrive in time",
};

const DOWN = { checks: "its health checks fail", connections: "connections to it fail" };

/**
 * How grave: `bad` something fails, `warn` somebody should know, `good` it is well again, `plain`.
 * @type {Record<PoolEvent["kind"], "bad" | "warn" | "good" | "plain">}
 */
const WEIGHTS = {
  drain: "warn",
  drained: "plain",
  resume: "good",
  "server-down": "bad",
  "server-up": "good",
  "server-changed": "plain",
  quarantine: "warn",
  "slot-freed": "plain",
  refusal: "bad",
  restart: "plain",
};

/** @param {PoolEvent} event */
export function weightOf(event) {
  return WEIGHTS[event.kind] ?? "plain";
}

/**
 * What happened, in a sentence.
 * @param {PoolEvent} event
 * @param {(instant: string) => string} time
 * @returns {string}
 */
export function sentence(event, time) {
  switch (event.kind) {
    case "drain": {
      const reason = event.reason === null ? "" : ` (${event.reason})`;
      return `“${event.owner}” drains the pool${reason}, until ${time(event.expiresAt)} at the latest.`;
    }
    case "drained":
      return "Drained: nothing is in flight any more.";
    case "resume":
      return resumed(event);
    case "server-down":
      return `${event.server} is down: ${DOWN[event.cause]}.`;
    case "server-up":
      return `${event.server} is up.`;
    case "server-changed":
      return `${event.server} was set by hand: ${changes(event)}.`;
    case "quarantine":
      return `${quarantined(event)}: ${CUT_OFF[event.cause]}.`;
    case "slot-freed":
      return `A slot of ${event.server} was freed by hand.`;
    case "refusal":
      return `${counted(event.count ?? 1, "request")} refused (${event.code}): ${REFUSED[event.code]}${over(event, time)}.`;
    case "restart":
      return "The pool’s object restarted, and knows again what it had before.";
    default:
      // A newer Worker may know more than this page, until it is loaded again.
      return /** @type {{ kind: string }} */ (event).kind;
  }
}

/** @param {PoolEvent & { kind: "resume" }} event */
function resumed({ owner, cause }) {
  const whose = owner === null ? "the drain" : `“${owner}”’s drain`;
  if (cause === "expired") return `Running again: ${whose} ended by itself, its time was up.`;
  if (cause === "forced") return `Running again: ${whose} was ended by somebody else.`;
  return owner === null ? "Running again." : `Running again: “${owner}” resumed the pool.`;
}

/** @param {PoolEvent & { kind: "server-changed" }} event */
function changes({ state, slots, weight }) {
  const said = [];
  if (state !== undefined) said.push(SERVER_STATES[state]);
  if (slots !== undefined) said.push(counted(slots, "slot"));
  if (weight !== undefined) said.push(`weight ${weight}`);
  return said.join(", ");
}

/** @param {PoolEvent & { kind: "quarantine" }} event */
function quarantined({ server, count = 1 }) {
  return count === 1
    ? `A slot of ${server} went to quarantine`
    : `Slots of ${server} went to quarantine ${count} times`;
}

/**
 * @param {PoolEvent} event
 * @param {(instant: string) => string} time
 */
function over({ count = 1, until }, time) {
  return count > 1 && until !== undefined ? `; the last at ${time(until)}` : "";
}
