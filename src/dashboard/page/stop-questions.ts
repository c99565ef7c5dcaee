import type { Snapshot } from "../../scheduler/snapshot.ts";
import { queuedDirectly } from "../../words/capacity.ts";
import { isDrained } from "../../words/drain.ts";
import { grouped } from "../../words/phrases.ts";
import { cutAct, stopAct } from "./acts.ts";
import { inFlightWords } from "./advice-drain.ts";
import { now } from "./clock.ts";
import type { Question } from "./dialog.ts";
import { make, setText } from "./dom.ts";
import { expiresField, holderWords, otherThan } from "./drain-questions.ts";
import { cutField, cutProblem, textField } from "./fields.ts";

type Drain = NonNullable<Snapshot["drain"]>;

/** Refuses requests instead of having them wait. */
export function stopQuestion({ name, drain }: Snapshot, operator: string, mayCut: boolean): Question {
  const message = textField({
    key: "message",
    name: "Message",
    hint: "For the clients, with each refusal. May be empty.",
  });
  const expires = expiresField();
  const cut = cutField();
  const fields = [message, expires, ...(mayCut ? [cut] : [])];
  const effect = make("p", "warning");
  return {
    pool: name,
    title: `Stop ${name}?`,
    body: [
      make("p", "", "Those in flight finish. Resume lets requests in again."),
      effect,
      ...fields.map(({ node }) => node),
    ],
    fields,
    confirm: "Stop",
    act: () =>
      stopAct(name, operator, { message: message.value(), expires: expires.value(), cut: cut.value() }),
    draw: (pool) => setText(effect, refusedWords(pool)),
    moot: (pool) => otherThan(drain, pool),
  };
}

/** What becomes of those who wait. */
function refusedWords(pool: Snapshot): string {
  const waiting = queuedDirectly(pool);
  const stored = pool.deferred?.queued ?? 0;
  const now =
    waiting === 0
      ? ""
      : `, and so ${waiting === 1 ? "is" : "are"} the ${grouped(waiting)} that wait${waiting === 1 ? "s" : ""} now`;
  const kept =
    stored === 0
      ? ""
      : ` The ${grouped(stored)} that ${stored === 1 ? "is" : "are"} stored stay${stored === 1 ? "s" : ""} on the list, as promised.`;
  return `New requests are refused at once (503 stopped)${now}.${kept}`;
}

/** Cuts off what a drain or a stop of one's own still waits for. */
export function cutQuestion({ name }: Snapshot, drain: Drain): Question {
  const after = textField({
    key: "cut",
    name: "After",
    hint: "For example 30s, from now on. 0s: at once.",
    value: "0s",
    problem: cutProblem,
  });
  const left = make("p");
  const warning =
    "Their clients get an error or a broken answer. Their servers may work on: each slot stays closed until that is over, " +
    "or the time of quarantine.";
  return {
    pool: name,
    title: `Cut off what is still running in ${name}?`,
    body: [left, make("p", "warning", warning), after.node],
    fields: [after],
    confirm: "Cut off",
    act: () => cutAct(name, drain, after.value()),
    draw: (pool) => setText(left, inFlightWords(pool, now())),
    moot: (pool) => {
      const { drain: present } = pool;
      if (!present) return `${name} is running again: there is nothing to cut off.`;
      if (present.since !== drain.since) return `This is another drain by now: ${holderWords(present)}.`;
      return isDrained(pool) ? "Nothing is in flight any more." : null;
    },
  };
}
