import type { Random } from "./random.ts";

/** One isolate alone holds all leases, and may pass them on; or several do. The shortest and the longest time, in ms. */
const ALONE_MS: [number, number] = [4_000, 9_000];
const TOGETHER_MS: [number, number] = [2_000, 5_000];
/** By which most of what comes to several of them comes to one: its share, if it is not the same for all. */
const UNEVEN = 0.8;

/** Times are ms since the run began. */
interface Stretch {
  from: number;
  /** The isolate that gets most; `share`: of all requests, from 0 to 1. */
  favourite: number;
  share: number;
}

/** Which isolate a request comes to: for a while all come to the same one, then they are spread over all of them. */
export class Spread {
  readonly #random: Random;
  readonly #isolates: number;
  readonly #stretches: Stretch[];

  constructor(random: Random, isolates: number, forMs: number) {
    this.#random = random;
    this.#isolates = isolates;
    this.#stretches = stretches(random.fork("stretches"), isolates, forMs);
  }

  /** A number from 0, decided by the seed, the moment and the request's name. */
  isolateOf(id: string, at: number): number {
    const { favourite, share } = this.#stretches.findLast(({ from }) => from <= at) ?? {
      favourite: 0,
      share: 1,
    };
    const draw = this.#random.fork(id);
    return draw.chance(share) ? favourite : draw.whole(0, this.#isolates - 1);
  }

  /** In words, each with the moment at which it begins. */
  get plan(): { from: number; text: string }[] {
    return this.#stretches.map(({ from, favourite, share }) => {
      const text = share === 0 ? "evenly to all isolates" : `${share * 100} % to isolate ${favourite}`;
      return { from, text: `requests come ${text}` };
    });
  }
}

/** Each isolate has its turn to be alone. */
function stretches(random: Random, isolates: number, forMs: number): Stretch[] {
  const all: Stretch[] = [];
  if (isolates === 1) return all;
  for (let from = 0; from < forMs; ) {
    all.push({ from, favourite: random.whole(0, isolates - 1), share: 1 });
    from += random.whole(...ALONE_MS);
    all.push({ from, favourite: random.whole(0, isolates - 1), share: random.pick([0, UNEVEN]) });
    from += random.whole(...TOGETHER_MS);
  }
  return all;
}
