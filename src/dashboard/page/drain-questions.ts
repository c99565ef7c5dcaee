import { LONGEST_MS, parseDuration } from "../../config/units.ts";
import type { Snapshot } from "../../scheduler/snapshot.ts";
import { counted } from "../../words/phrases.ts";
import { clockInWords } from "../../words/times.ts";
import { drainAct, endAct, extendAct } from "./acts.ts";
import { now } from "./clock.ts";
import { ofThemStored } from "./deferred-words.ts";
import type { Question } from "./dialog.ts";
import { make, setText } from "./dom.ts";
import { claimWords } from "./events.ts";
import { cutField, durationProblem, type Field, textField } from "./fields.ts";

type Drain = NonNullable<Snapshot["drain"]>;

/** `mayCut`: what is in flight may be cut off too. */
export function drainQuestion({ name, drain }: Snapshot, operator: string, mayCut: boolean): Question {
  const reason = textField({
    key: "reason",
    name: "Reason",
    hint: "Shown to everybody who looks. May be empty.",
  });
  const expires = expiresField();
  const cut = cutField();
  const fields = [reason, expires, ...(mayCut ? [cut] : [])];
  const before = drain
    ? "Requests wait again, and are not refused any more; those"
    : "New requests wait, those";
  const explanation = `${before} in flight finish, and nothing is dropped. Resume sends on what has waited.`;
  return {
    pool: name,
    title: `Drain ${name}?`,
    body: [make("p", "", explanation), ...fields.map(({ node }) => node)],
    fields,
    confirm: "Drain",
    act: () =>
      drainAct(name, operator, { reason: reason.value(), expires: expires.value(), cut: cut.value() }),
    moot: (pool) => otherThan(drain, pool),
  };
}

export function expiresField(): Field {
  return textField({
    key: "expires",
    name: "Ends by itself after",
    hint: "For example 15m or 2h. Empty: as the pool’s configuration says.",
    problem: (text) => (text === "" ? null : durationProblem(text)),
  });
}

/** Why a drain cannot be begun any more, or its own not be turned; `null`: it can. */
export function otherThan(before: Drain | null, { drain }: Snapshot): string | null {
  if (drain?.since === before?.since && (drain?.stop === null) === (before?.stop === null)) return null;
  if (drain === null) return "It is running again by now.";
  return `It is ${drain.stop ? "stopped" : "drained"} already: ${holderWords(drain)}.`;
}

/** Extends a drain by a time on top of the time that is left, so that it never ends earlier than before. */
export function extendQuestion({ name }: Snapshot, current: Drain): Question {
  let drain = current;
  const longer = textField({
    key: "expires",
    name: "Longer by",
    hint: "For example 15m or 2h.",
    value: "15m",
    problem: (text) => durationProblem(text, LONGEST_MS - (endOf(drain) - now())),
  });
  const preview = make("output");
  const newEnd = () => endOf(drain) + (parseDuration(longer.value()) ?? 0);
  const showPreview = () => {
    const then =
      parseDuration(longer.value()) === undefined
        ? "Say how much longer."
        : `Extended, it will end at ${clockInWords(newEnd(), now())}.`;
    setText(preview, `It ends by itself at ${clockInWords(endOf(drain), now())}. ${then}`);
  };
  longer.input.addEventListener("input", showPreview);
  return {
    pool: name,
    title: `Extend the ${nounOf(drain)} of ${name}?`,
    body: [longer.node, make("p", "", preview)],
    fields: [longer],
    confirm: "Extend",
    act: () => extendAct(name, drain, newEnd()),
    draw: (pool) => {
      drain = pool.drain ?? drain;
      showPreview();
    },
    moot: (pool) => {
      if (!pool.drain) return `The ${nounOf(drain)} of ${name} is over: there is nothing to extend.`;
      return pool.drain.since === current.since
        ? null
        : `This is another drain by now: ${holderWords(pool.drain)}.`;
    },
  };
}

/** Ends another drain than one's own. */
export function endQuestion({ name }: Snapshot, operator: string, drain: Drain): Question {
  const whose =
    drain.by === operator
      ? `This is another ${nounOf(drain)} of yours`
      : `This ${nounOf(drain)} is not yours`;
  const warning =
    `${whose}: ${holderWords(drain)}, until ${clockInWords(drain.expiresAt, now())}. A deploy may be at work on the ` +
    "servers; resuming sends requests to them.";
  const effect = make("p");
  return {
    pool: name,
    title: `End the ${nounOf(drain)} of “${drain.owner}” by force?`,
    body: [make("p", "warning", warning), effect],
    confirm: "Resume all the same",
    act: () => endAct(name, operator, drain),
    draw: (pool) => {
      const waiting = `${counted(pool.queued, "waiting request")}${ofThemStored(pool)}`;
      setText(effect, `${waiting} will go to the servers of ${name}, in order.`);
    },
    moot: (pool) => {
      if (!pool.drain) return `${name} is running again already: that ${nounOf(drain)} is over.`;
      return pool.drain.since === drain.since
        ? null
        : `This is another drain by now: ${holderWords(pool.drain)}.`;
    },
  };
}

/** `“deploy-42” (by “ci”) holds it since 12:00:03 (release)`. */
export function holderWords(drain: Drain): string {
  const why = drain.reason === null ? "" : ` (${drain.reason})`;
  return `${claimWords(drain)} holds it since ${clockInWords(drain.since, now())}${why}`;
}

function nounOf({ stop }: Drain): "drain" | "stop" {
  return stop ? "stop" : "drain";
}

function endOf({ expiresAt }: Drain): number {
  return Date.parse(expiresAt);
}
