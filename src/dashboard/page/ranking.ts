import type { Gravity } from "../../words/condition.ts";

/** How long a pool keeps its rank after it has become better, in ms, so that no card jumps about. */
const HOLD_MS = 15_000;

interface Ranked {
  name: string;
  condition: { gravity: Gravity };
}

/** The order of pools by how they are: what has become grave goes up at once, what is better comes down after a while. */
export class Ranking {
  /** When each pool was last seen to be like that, in ms. */
  readonly #seenAt = new Map<string, Partial<Record<Gravity, number>>>();

  /** The gravest first; those that are equal stay in the order in which they are given. */
  order<Pool extends Ranked>(pools: readonly Pool[], now: number): Pool[] {
    const ranks = new Map<Ranked, number>(pools.map((pool) => [pool, this.#rank(pool, now)]));
    return pools.toSorted((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  }

  #rank({ name, condition }: Ranked, now: number): number {
    const seenAt = { ...this.#seenAt.get(name), [condition.gravity]: now };
    this.#seenAt.set(name, seenAt);
    const wasLately = (instant = Number.NEGATIVE_INFINITY) => now - instant < HOLD_MS;
    if (wasLately(seenAt.bad)) return 0;
    return wasLately(seenAt.warn) ? 1 : 2;
  }
}
