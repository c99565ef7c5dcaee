import type { PoolEvent } from "../../scheduler/record/events.ts";
import { counted, SERVER_STATES } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { FAILURES } from "./deferred-words.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";

const CUT_OFF = {
  broken: "the server broke the connection",
  unreachable: "no connection could be made",
  timeout: "the server was silent for too long",
  longest: "the request took longer than any may",
  client: "the client left",
  stalled: "the client stopped in the middle of its upload",
  early: "the server answered before it had the request whole",
  lost: "the Worker that served it is gone",
  cut: "a drain waited no longer",
};

const REFUSALS = {
  "queue-full": "the waiting list was full",
  "flow-queue-full": "as many of their clients’ were waiting as may",
  "queue-timeout": "they waited as long as they may",
  "no-server": "no server was available",
  "bad-gateway": "the server could not be reached or broke off",
  "server-timeout": "the server did not answer in time",
  "client-timeout": "the upload did not arrive in time",
  "deferred-full": "as many as may be stored were waiting",
  stopped: "the pool was stopped",
  "cut-off": "a drain waited no longer",
};

const DOWN = { checks: "its health checks fail", connections: "connections to it fail" };

/** `bad`: something fails; `warn`: an operator should know; `good`: a failure is over; `plain`: nothing of these. */
type Mark = "bad" | "warn" | "good" | "plain";

const MARKS: Record<PoolEvent["kind"], Mark> = {
  drain: "warn",
  drained: "plain",
  stop: "warn",
  stopped: "plain",
  cut: "warn",
  resume: "good",
  "server-down": "bad",
  "server-up": "good",
  "server-changed": "plain",
  "server-registered": "good",
  "server-left": "plain",
  wake: "plain",
  quarantine: "warn",
  "slot-freed": "plain",
  refusal: "bad",
  "deferred-failed": "bad",
  restart: "plain",
};

/** The list of events, newest first. */
export function drawEvents(events: ReadonlyMap<number, PoolEvent>, now: number): void {
  byId("no-events").hidden = events.size > 0;
  keyed(
    byId("events"),
    [...events.values()].sort((a, b) => b.id - a.id),
    ({ id }) => String(id),
    () => make("li", "mark", make("time"), " ", make("span")),
    (item, event) => {
      const time = item.firstElementChild;
      setAttributes(time, { datetime: event.at });
      setText(time, clockInWords(event.at, now));
      setAttributes(item, { "data-mark": markOf(event) });
      setText(
        item.lastChild,
        sentence(event, (instant) => clockInWords(instant, now)),
      );
    },
  );
}

export function markOf(event: PoolEvent): Mark {
  return MARKS[event.kind] ?? "plain";
}

/** `time` makes the words of an instant in ISO 8601. */
export function sentence(event: PoolEvent, time: (instant: string) => string): string {
  switch (event.kind) {
    case "drain": {
      const reason = event.reason === null ? "" : ` (${event.reason})`;
      return `${claimWords(event)} drains the pool${reason}, until ${time(event.expiresAt)} at the latest.`;
    }
    case "drained":
      return "Drained: nothing is waited for any more.";
    case "stop": {
      const message = event.message === null ? "" : ` (“${event.message}”)`;
      return `${claimWords(event)} stops the pool${message}, until ${time(event.expiresAt)} at the latest.`;
    }
    case "stopped":
      return "Stopped: nothing is waited for any more.";
    case "cut":
      return `${counted(event.leases, "request")}${event.server === null ? "" : ` of ${event.server}`} cut off, as the drain waited no longer.`;
    case "resume":
      return resumeSentence(event);
    case "server-down":
      return `${event.server} is down: ${DOWN[event.cause]}${event.got === undefined ? "" : ` (${event.got})`}.`;
    case "server-up":
      return `${event.server} is up.`;
    case "server-registered":
      return `${event.server} has registered, by “${event.by}”: ${event.url}.`;
    case "server-left":
      return event.by === null
        ? `${event.server} has left: it did not renew its registration.`
        : `${event.server} has left, by “${event.by}”.`;
    case "wake":
      return `Servers were asked for${atShard(event)}, as requests wait and none is up: ${event.got}.`;
    case "server-changed":
      return `${event.server} was set by “${event.by}”: ${changes(event)}.`;
    case "quarantine":
      return `${quarantineWords(event)}: ${CUT_OFF[event.cause]}.`;
    case "slot-freed":
      return `A slot of ${event.server} was freed by “${event.by}”.`;
    case "refusal":
      return `${counted(event.count ?? 1, "request")} refused${atShard(event)} (${event.code}): ${REFUSALS[event.code]}${lastTime(event, time)}.`;
    case "deferred-failed": {
      const why = FAILURES[event.code];
      const failed = `${counted(event.count ?? 1, "deferred request")} failed${atShard(event)} (${event.code})`;
      return `${failed}${why === undefined ? "" : `: ${why}`}${lastTime(event, time)}.`;
    }
    case "restart":
      return `${event.shard === undefined ? "The pool’s object" : `Shard ${event.shard}`} restarted, and knows again what it had before.`;
    default:
      // After a deploy the Worker may send kinds that this page does not know until it is loaded again.
      return (event as { kind: string }).kind;
  }
}

function resumeSentence({ owner, by, cause }: PoolEvent & { kind: "resume" }): string {
  if (by === null) return `Running again: the drain of “${owner}” ended by itself, its time was up.`;
  if (cause === "forced") return `Running again: “${by}” ended the drain of “${owner}” by force.`;
  return `Running again: ${claimWords({ owner, by })} resumed the pool.`;
}

/** Whose drain: “jane”, or “deploy-42” (by “ci”). */
export function claimWords({ owner, by }: { owner: string; by: string }): string {
  return owner === by ? `“${owner}”` : `“${owner}” (by “${by}”)`;
}

function changes({ state, slots, weight }: PoolEvent & { kind: "server-changed" }): string {
  const parts = [];
  if (state !== undefined) parts.push(SERVER_STATES[state]);
  if (slots !== undefined) parts.push(counted(slots, "slot"));
  if (weight !== undefined) parts.push(`weight ${weight}`);
  return parts.join(", ");
}

function quarantineWords({ server, count = 1 }: PoolEvent & { kind: "quarantine" }): string {
  return count === 1
    ? `A slot of ${server} went to quarantine`
    : `Slots of ${server} went to quarantine ${count} times`;
}

/** Of what names no server, by which it could be told where it was. */
function atShard({ shard }: PoolEvent): string {
  return shard === undefined ? "" : ` at shard ${shard}`;
}

function lastTime({ count = 1, until }: PoolEvent, time: (instant: string) => string): string {
  return count > 1 && until !== undefined ? `; the last at ${time(until)}` : "";
}
