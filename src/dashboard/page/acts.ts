import { parseDuration } from "../../config/units.ts";
import type { LeaseSnapshot, ServerSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { counted, POOL_STATES, SERVER_STATES } from "../../words/phrases.ts";
import { clockInWords, fineDuration } from "../../words/times.ts";
import { call, Problem, poolPath } from "./api.ts";
import { now } from "./clock.ts";
import { ofThemStored } from "./deferred-words.ts";
import { ask, choice, textField } from "./dialog.ts";
import { make, setText } from "./dom.ts";

/** Who has signed in: the API's default owner of what the page does. */
let operator = "";

export function setOperator(name: string): void {
  operator = name;
}

/** True if the drain is one that the page can extend and end without force. */
export function isOwn(drain: Snapshot["drain"], by = operator): boolean {
  return drain?.owner === by && drain.by === by;
}

export function operatorName(): string {
  return operator;
}

const EXPIRES_HINT = "For example 15m or 2h. Empty: as the pool’s configuration says.";

export function drain({ name }: Snapshot): void {
  const reason = textField("Reason", "Shown to everybody who looks. May be empty.");
  const expires = textField("Ends by itself after", EXPIRES_HINT);
  const explanation =
    "New requests wait, those in flight finish, and nothing is dropped. Resume sends on what has waited.";
  ask({
    title: `Drain ${name}?`,
    body: [make("p", "", explanation), reason.node, expires.node],
    confirm: "Drain",
    run: async () => {
      const body = { ...unlessEmpty("reason", reason.value()), ...unlessEmpty("expires", expires.value()) };
      const pool = await post(name, "drain", body);
      return `${name} takes no more requests to its servers: ${POOL_STATES[pool.state].toLowerCase()}.`;
    },
  });
}

/** Extends a drain by a time on top of the time that is left, so that it never ends earlier than before. */
export function extend({ name, drain }: Snapshot): void {
  if (!drain) return;
  const ends = Date.parse(drain.expiresAt);
  const longer = textField("Longer by", "For example 15m or 2h.", "15m");
  const preview = make("output");
  const showPreview = () => {
    const ms = parseDuration(longer.value());
    const then =
      ms === undefined
        ? "Say how much longer."
        : `Extended, it will end at ${clockInWords(ends + ms, now())}.`;
    setText(preview, `It ends by itself at ${clockInWords(ends, now())}. ${then}`);
  };
  longer.input.addEventListener("input", showPreview);
  showPreview();
  ask({
    title: `Extend the drain of ${name}?`,
    body: [longer.node, make("p", "", preview)],
    confirm: "Extend",
    run: async () => {
      const ms = parseDuration(longer.value());
      if (ms === undefined)
        throw new Problem(0, "", "That is no time", `“${longer.value()}”; for example 15m or 2h`);
      const expires = `${Math.max(1, Math.round(ends + ms - now()))}ms`;
      const pool = await post(name, "drain", { extend: true, expires });
      if (!pool.drain) return `${name} was not extended: its drain was over already.`;
      return `The drain of ${name} now ends at ${clockInWords(pool.drain.expiresAt, now())}.`;
    },
  });
}

export function resume(pool: Snapshot): void {
  const { name, drain, queued } = pool;
  let force = drain !== null && !isOwn(drain);
  const effect = `${counted(queued, "waiting request")}${ofThemStored(pool)} will go to the servers, in order.`;
  ask({
    title: `Resume ${name}?`,
    body: [...(force && drain ? [make("p", "warning", holderWords(drain))] : []), make("p", "", effect)],
    confirm: force ? "Resume all the same" : "Resume",
    run: async () => {
      await post(name, "resume", force ? { force } : {});
      return `${name} is running again.`;
    },
    // Another owner has begun a drain meanwhile; the refusal names it.
    again: (problem) => {
      force ||= problem.code === "drain-held";
      return force ? "Resume all the same" : "Resume";
    },
  });
}

function holderWords({ owner, reason, since, expiresAt }: NonNullable<Snapshot["drain"]>): string {
  const why = reason === null ? "" : ` (${reason})`;
  return (
    `This drain is not yours: “${owner}”${why} holds it since ${clockInWords(since, now())}, until ` +
    `${clockInWords(expiresAt, now())}. A deploy may be at work on the servers; resuming sends requests to them.`
  );
}

export function changeServer(pool: string, { name, state }: ServerSnapshot): void {
  const options = [
    { value: "ready", name: "Ready", hint: "Takes requests." },
    { value: "drain", name: "Drain", hint: "Takes no new requests; those in flight finish." },
    { value: "maint", name: "Maintenance", hint: "The same, and its health is not checked." },
  ] as const;
  const wanted = choice<ServerSnapshot["state"]>("It is to be", options, state);
  ask({
    title: `Change ${name}?`,
    body: [wanted.node],
    confirm: "Change",
    run: async () => {
      const path = `${poolPath(pool)}/servers/${encodeURIComponent(name)}`;
      await call("PATCH", path, { state: wanted.value() });
      return `${name} is set to ${SERVER_STATES[wanted.value()]}.`;
    },
  });
}

export function freeSlot(pool: string, server: ServerSnapshot, lease: LeaseSnapshot): void {
  const { id, since, quarantined } = lease;
  const state = quarantined ? quarantineWords(lease) : `At work on a request for ${ageOf(since)}.`;
  const warning = `Only if you know that ${server.name} is idle: the slot’s next request goes there at once.`;
  ask({
    title: `Free this slot of ${server.name}?`,
    body: [make("p", "", state), make("p", "warning", warning), make("p", "note", `Lease ${id}`)],
    confirm: "Free the slot",
    run: async () => {
      await call("DELETE", `${poolPath(pool)}/leases/${encodeURIComponent(id)}`);
      return `The slot of ${server.name} is free.`;
    },
  });
}

function quarantineWords({ since, quarantinedSince, until }: LeaseSnapshot): string {
  const cutOff = `In quarantine for ${ageOf(quarantinedSince ?? since)}: its request was cut off.`;
  const opens = until ? ` It opens by itself at ${clockInWords(until, now())} at the latest.` : "";
  return `${cutOff}${opens} The request began ${ageOf(since)} ago.`;
}

function ageOf(instant: string): string {
  return fineDuration(now() - Date.parse(instant));
}

/**
 * Resolves with the snapshot, for the sentence about the result only. The page draws the pool from its stream alone,
 * which may be ahead of this answer.
 */
function post(pool: string, act: "drain" | "resume", body: object): Promise<Snapshot> {
  return call("POST", `${poolPath(pool)}/${act}`, body);
}

/** The API has a default for a field that is left empty. */
function unlessEmpty(key: string, value: string): Record<string, string> {
  return value === "" ? {} : { [key]: value };
}
