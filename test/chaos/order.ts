import type { Sent } from "./journal.ts";

/**
 * Who was due so much earlier goes first, whatever crashes, drains and busy machines do to those in between. Retries
 * are left out: they may have to wait for another server.
 */
const TOLERANCE_MS = 1_000;
/** A request that has its slot may come to its server so much later, and who comes meanwhile is not overtaken by it. */
const LATE_MS = 2_000;

/**
 * First come, first served, or as much earlier as a request goes ahead: of one client's requests that no server has had
 * yet, nobody is overtaken by far.
 */
export class Order {
  /** Since when each was on the list at the latest. */
  readonly #unserved = new Map<Sent, number>();

  /** From `at`, which is now, it is on the list. */
  add(one: Sent, at: number): void {
    this.#unserved.set(one, at);
  }

  gone(one: Sent): void {
    this.#unserved.delete(one);
  }

  /** Its first server has it now. Returns whom it has overtaken, each only once: who does not follow at once has a case. */
  served(one: Sent, now: number, slackMs: number): Sent | null {
    this.#unserved.delete(one);
    let [first, due] = [null as Sent | null, one.sentAt - one.plan.aheadMs - TOLERANCE_MS - slackMs];
    for (const [other, at] of this.#unserved) {
      // Else `one` may have got its slot before the pool heard of it.
      const wasThere = one.sentAt - at > TOLERANCE_MS + slackMs || now - at > LATE_MS + slackMs;
      if (wasThere && at - other.plan.aheadMs < due) [first, due] = [other, at - other.plan.aheadMs];
    }
    if (first) this.#unserved.delete(first);
    return first;
  }
}
