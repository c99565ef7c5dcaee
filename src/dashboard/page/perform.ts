import type { Snapshot } from "../../scheduler/snapshot.ts";
import { wholeSeconds } from "../../words/times.ts";
import { Problem, snapshotOf } from "./api.ts";
import type { Model } from "./model.ts";
import type { Say } from "./notices.ts";

/** How long an answer may take before the page says that it waits for it, in ms. */
const SOON_MS = 1_000;

/** Something that an operator does to a pool. */
export interface Act {
  pool: string;
  /** For sentences about it: `Draining web`. */
  name: string;
  /** Sends it. Rejects with a `Problem`. */
  send: () => Promise<Outcome>;
  /** What can be said without an answer, once a snapshot shows that the act has arrived; `null`: it does not. */
  arrived: Say;
}

export interface Outcome {
  /** The pool after the act, if the answer has it. */
  snapshot?: Snapshot;
  say: Say;
}

interface Calls {
  redraw: () => void;
  /** Says something to a screen reader. */
  announce: (words: string) => void;
  /** An act was refused for want of a right. */
  onForbidden: () => void;
  /** An act was done or refused: it is in the audit. */
  onDone: () => void;
}

/** Does acts, and puts a notice about each: that it waits for its answer, and then what came of it. */
export class Performer {
  readonly #model: Model;
  readonly #calls: Calls;

  constructor(model: Model, calls: Calls) {
    this.#model = model;
    this.#calls = calls;
  }

  /**
   * Resolves with why it was not done, or with `null`. By then the page is drawn as the answer says, and what is said of
   * it in the same frame: the stream of events may bring it sooner or later.
   */
  async perform(act: Act): Promise<Problem | null> {
    const { notices } = this.#model;
    const sentAt = Date.now();
    const waits: Say = () => waitingWords(act, sentAt);
    notices.put(act.pool, waits);
    const soon = setTimeout(this.#calls.redraw, SOON_MS);
    try {
      const { snapshot, say } = await act.send();
      if (snapshot) this.#model.addAnswer(snapshot);
      notices.put(act.pool, say);
      const pool = this.#model.pools.get(act.pool);
      if (pool) this.#calls.announce(notices.wordsOn(pool));
      return null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.isUnanswered) notices.put(act.pool, unanswered(act, error));
      if (error.status === 403) this.#calls.onForbidden();
      // Something is not as the page shows it.
      if (error.status === 404 || error.status === 409) await this.#catchUp(act.pool);
      return error;
    } finally {
      clearTimeout(soon);
      this.#calls.onDone();
      notices.remove(act.pool, waits);
      this.#calls.redraw();
    }
  }

  /** The same for an act that asks nothing first: also its failure is told by a notice. */
  async performAtOnce(act: Act): Promise<void> {
    const problem = await this.perform(act);
    if (problem) this.tell(act, problem);
  }

  /** Puts a notice about an act that has failed. */
  tell(act: Act, problem: Problem): void {
    const words = failureWords(act, problem);
    const { notices, pools } = this.#model;
    const stand = standOf(pools.get(act.pool));
    // Its notice, which follows what becomes of it, is there already.
    if (!problem.isUnanswered) notices.put(act.pool, (pool) => (standOf(pool) === stand ? words : null));
    this.#calls.announce(words);
    this.#calls.redraw();
  }

  async #catchUp(pool: string): Promise<void> {
    try {
      this.#model.addAnswer(await snapshotOf(pool));
    } catch (error) {
      // The stream brings it sooner or later.
      if (!(error instanceof Problem)) throw error;
    }
  }
}

/** What acts are refused for, and what a refusal is no longer true without. */
function standOf(pool: Snapshot | undefined): string {
  const servers = pool?.servers.map(({ name, state }) => [name, state]);
  return JSON.stringify([pool?.drain?.owner, pool?.drain?.since, servers]);
}

/** Empty for the first moment. */
export function waitingWords({ name }: Act, sentAt: number): string {
  const ms = Date.now() - sentAt;
  return ms < SOON_MS ? "" : `${name}: waiting for the pool’s answer, ${wholeSeconds(ms)}…`;
}

/** Whether an act without an answer was done is known once a snapshot shows it. */
function unanswered(act: Act, problem: Problem): Say {
  let hasArrived = false;
  return (pool) => {
    const words = act.arrived(pool);
    hasArrived ||= words !== null;
    return hasArrived ? words : failureWords(act, problem);
  };
}

function failureWords({ name }: Act, problem: Problem): string {
  return `${name}: ${problemSentence(problem)}`;
}

/** Why it was not done, or that nobody knows whether it was. */
export function problemSentence({ message, isUnanswered }: Problem): string {
  const fate = isUnanswered ? " It may have arrived all the same; the page will show it." : "";
  return `${message.replace(/\.$/, "")}.${fate}`;
}
