/** How much a shard has to do, as it tells with its answers. */
export interface ShardLoad {
  /** How many slots it has in all that requests can get. */
  slots: number;
  /** How many requests wait there. */
  queued: number;
  /** How many of its slots requests would get at once. */
  free: number;
}

/** What was heard is of use for so long, in ms. */
const FRESH_MS = 2_000;

interface Heard extends ShardLoad {
  at: number;
}

/**
 * Which shard a request asks for a slot: of two that chance has picked the one that has less to do, by what was last heard.
 * That is nearly as good as to know all of them, and, unlike the best of all, does not send every isolate to the same one.
 */
export class ShardChoice {
  readonly #random: () => number;
  readonly #heard = new Map<number, Heard>();

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  heard(shard: number, load: ShardLoad, now: number): void {
    this.#heard.set(shard, { ...load, at: now });
  }

  /** Returns a number below `count`. `but`: not this one, unless there is no other. */
  pick(count: number, now: number, but = -1): number {
    const candidates = but >= 0 && but < count && count > 1 ? count - 1 : count;
    // Those from `but` on move up by one.
    const at = (nth: number) => (candidates < count && nth >= but ? nth + 1 : nth);
    const first = Math.floor(this.#random() * candidates);
    const step = 1 + Math.floor(this.#random() * (candidates - 1));
    const [one, other] = [at(first), at((first + step) % candidates)];
    const chosen = this.#worth(one, now) <= this.#worth(other, now) ? one : other;
    const known = this.#heard.get(chosen);
    // The next request of this isolate reckons with this one.
    if (known) {
      if (known.free > 0) known.free--;
      else known.queued++;
    }
    return chosen;
  }

  /** The lower, the sooner a request gets a slot there. One that is not known of is as the others are, mostly. */
  #worth(shard: number, now: number): number {
    const known = this.#freshOf(shard, now);
    return known ? worthOf(known) : this.#usualWorth(now);
  }

  #usualWorth(now: number): number {
    const worths = [...this.#heard.keys()].flatMap((shard) => {
      const known = this.#freshOf(shard, now);
      return known && known.slots > 0 ? [worthOf(known)] : [];
    });
    return worths.length === 0 ? 0 : worths.reduce((sum, worth) => sum + worth, 0) / worths.length;
  }

  #freshOf(shard: number, now: number): Heard | undefined {
    const known = this.#heard.get(shard);
    return known && now - known.at <= FRESH_MS ? known : undefined;
  }
}

function worthOf({ slots, queued, free }: Heard): number {
  if (slots === 0) return Number.POSITIVE_INFINITY;
  return free > 0 ? -free : queued / slots;
}
