/** @import { ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts" */
import { call, Problem, poolPath } from "./api.js";
import { now } from "./clock.js";
import { askFirst, choice, textField } from "./dialog.js";
import { make, setText } from "./dom.js";
import { clockTime, counted, duration, durationOf, POOL_STATES, SERVER_STATES } from "./words.js";

/** The API's own name for who says none: the command line can end what was begun here, and the other way round. */
export const OWNER = "admin";

const EXPIRES_HINT = "For example 15m or 2h. Empty: as the pool’s configuration says.";

/**
 * @param {Snapshot} pool
 */
export function drain({ name }) {
  const reason = textField("Reason", "Shown to everybody who looks. May be empty.");
  const expires = textField("Ends by itself after", EXPIRES_HINT);
  const says =
    "New requests wait, those in flight finish, and nothing is dropped. Resume sends on what has waited.";
  askFirst({
    title: `Drain ${name}?`,
    body: [make("p", "", says), reason.node, expires.node],
    confirm: "Drain",
    run: async () => {
      const body = { ...given("reason", reason.value()), ...given("expires", expires.value()) };
      const pool = await post(name, "drain", body);
      return `${name} takes no more requests to its servers: ${POOL_STATES[pool.state].toLowerCase()}.`;
    },
  });
}

/**
 * By a time on top of what is left, so that it never ends earlier than it would have.
 * @param {Snapshot} pool
 */
export function extend({ name, drain }) {
  if (!drain) return;
  const ends = Date.parse(drain.expiresAt);
  const longer = textField("Longer by", "For example 15m or 2h.", "15m");
  const endsThen = make("output");
  const say = () => {
    const ms = durationOf(longer.value());
    const then =
      ms === null ? "Say how much longer." : `Extended, it will end at ${clockTime(ends + ms, now())}.`;
    setText(endsThen, `It ends by itself at ${clockTime(ends, now())}. ${then}`);
  };
  longer.input.addEventListener("input", say);
  say();
  askFirst({
    title: `Extend the drain of ${name}?`,
    body: [longer.node, make("p", "", endsThen)],
    confirm: "Extend",
    run: async () => {
      const ms = durationOf(longer.value());
      if (ms === null)
        throw new Problem(0, "", "That is no time", `“${longer.value()}”; for example 15m or 2h`);
      const expires = `${Math.max(1, Math.round(ends + ms - now()))}ms`;
      const pool = await post(name, "drain", { extend: true, expires });
      if (!pool.drain) return `${name} was not extended: its drain was over already.`;
      return `The drain of ${name} now ends at ${clockTime(pool.drain.expiresAt, now())}.`;
    },
  });
}

/**
 * @param {Snapshot} pool
 */
export function resume({ name, drain, queued }) {
  let force = drain !== null && drain.owner !== OWNER;
  const sends = `${counted(queued, "waiting request")} will go to the servers, in order.`;
  askFirst({
    title: `Resume ${name}?`,
    body: [...(force && drain ? [make("p", "warning", whose(drain))] : []), make("p", "", sends)],
    confirm: force ? "Resume all the same" : "Resume",
    run: async () => {
      await post(name, "resume", force ? { force } : {});
      return `${name} is running again.`;
    },
    // Somebody else has begun a drain meanwhile; the refusal says who.
    again: (problem) => {
      force ||= problem.code === "drain-held";
      return force ? "Resume all the same" : "Resume";
    },
  });
}

/** @param {NonNullable<Snapshot["drain"]>} drain */
function whose({ owner, reason, since, expiresAt }) {
  const why = reason === null ? "" : ` (${reason})`;
  return (
    `This drain is not yours: “${owner}”${why} holds it since ${clockTime(since, now())}, until ` +
    `${clockTime(expiresAt, now())}. A deploy may be at work on the servers; resuming sends requests to them.`
  );
}

/**
 * @param {string} pool
 * @param {ServerSnapshot} server
 */
export function changeServer(pool, { name, state }) {
  const options = [
    { value: "ready", name: "Ready", hint: "Takes requests." },
    { value: "drain", name: "Drain", hint: "Takes no new requests; those in flight finish." },
    { value: "maint", name: "Maintenance", hint: "The same, and its health is not checked." },
  ];
  const wanted = choice("It is to be", options, state);
  askFirst({
    title: `Change ${name}?`,
    body: [wanted.node],
    confirm: "Change",
    run: async () => {
      const chosen = /** @type {ServerSnapshot["state"]} */ (wanted.value());
      const path = `${poolPath(pool)}/servers/${encodeURIComponent(name)}`;
      await call("PATCH", path, { state: chosen });
      return `${name} is set to ${SERVER_STATES[chosen]}.`;
    },
  });
}

/**
 * @param {string} pool
 * @param {ServerSnapshot} server
 * @param {ServerSnapshot["leases"][number]} lease
 */
export function freeSlot(pool, server, lease) {
  const { id, since, quarantined } = lease;
  const state = quarantined ? quarantineWords(lease) : `At work on a request for ${ageOf(since)}.`;
  const warns = `Only if you know that ${server.name} is idle: the slot’s next request goes there at once.`;
  askFirst({
    title: `Free this slot of ${server.name}?`,
    body: [make("p", "", state), make("p", "warning", warns), make("p", "note", `Lease ${id}`)],
    confirm: "Free the slot",
    run: async () => {
      await call("DELETE", `${poolPath(pool)}/leases/${encodeURIComponent(id)}`);
      return `The slot of ${server.name} is free.`;
    },
  });
}

/** @param {ServerSnapshot["leases"][number]} lease */
function quarantineWords({ since, quarantinedSince, until }) {
  const cutOff = `In quarantine for ${ageOf(quarantinedSince ?? since)}: its request was cut off.`;
  const opens = until ? ` It opens by itself at ${clockTime(until, now())} at the latest.` : "";
  return `${cutOff}${opens} The request began ${ageOf(since)} ago.`;
}

/** @param {string} instant */
function ageOf(instant) {
  return duration(now() - Date.parse(instant));
}

/**
 * The answer serves to say what came of it. What is shown of the pool comes from its stream alone: one that has
 * seen only before and after would not correct what an answer showed in between.
 * @param {string} pool
 * @param {"drain" | "resume"} act
 * @param {object} body
 * @returns {Promise<Snapshot>}
 */
function post(pool, act, body) {
  return call("POST", `${poolPath(pool)}/${act}`, body);
}

/**
 * An empty field is left to the API's default.
 * @param {string} key
 * @param {string} value
 */
function given(key, value) {
  return value === "" ? {} : { [key]: value };
}
