import type { Sent } from "./journal.ts";

/**
 * Who came so much earlier goes first, whatever crashes, drains and busy machines do to those in between. Retries
 * are left out: they may have to wait for another server.
 */
const TOLERANCE_MS = 1_000;

/** First come, first served: of the requests that no server has had yet, nobody is overtaken by far. */
export class Order {
  /** When each was on the list at the latest, in this order. */
  readonly #unserved = new Map<Sent, number>();

  /** From `at`, which is now, it is on the list. */
  add(one: Sent, at: number): void {
    this.#unserved.set(one, at);
  }

  gone(one: Sent): void {
    this.#unserved.delete(one);
  }

  /** Its first server has it. Returns whom it has overtaken, each only once: who does not follow at once has a case. */
  served(one: Sent, slackMs: number): Sent | null {
    this.#unserved.delete(one);
    const [[oldest, since] = [null, 0]] = this.#unserved;
    if (!oldest || one.sentAt - since <= TOLERANCE_MS + slackMs) return null;
    this.#unserved.delete(oldest);
    return oldest;
  }
}
