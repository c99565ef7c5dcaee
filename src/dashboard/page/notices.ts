import type { Snapshot } from "../../scheduler/snapshot.ts";
import { byId, setText } from "./dom.ts";

/**
 * What there is to say of a pool as it is: a sentence for as long as it is true, and `null` once it is not. Empty: there
 * is nothing to say yet.
 */
export type Say = (pool: Snapshot) => string | null;

/** What has come of the operator's latest act on each pool. A notice belongs to its pool, and goes when it is not true. */
export class Notices {
  readonly #says = new Map<string, Say>();

  /** Replaces the pool's notice before. */
  put(pool: string, say: Say): void {
    this.#says.set(pool, say);
  }

  /** `say`: remove that one only. */
  remove(pool: string, say = this.#says.get(pool)): void {
    if (this.#says.get(pool) === say) this.#says.delete(pool);
  }

  /** To be called with each snapshot, so that what was untrue for a while does not come back. */
  check(pool: Snapshot): void {
    if (this.#says.get(pool.name)?.(pool) === null) this.#says.delete(pool.name);
  }

  /** Empty: there is nothing to say of this pool. */
  wordsOn(pool: Snapshot): string {
    this.check(pool);
    return this.#says.get(pool.name)?.(pool) ?? "";
  }
}

export function drawNotice(words: string): void {
  const notice = byId("outcome");
  // The focus would get lost with the button.
  if (words === "" && notice.contains(document.activeElement)) byId("main").focus();
  notice.hidden = words === "";
  if (words !== "") setText(byId("outcome-words"), words);
}

/** Says something to a screen reader. */
export function announce(words: string): void {
  setText(byId("announcer"), words);
}
