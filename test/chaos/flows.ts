import { isDeferring } from "./clients/plan.ts";
import type { Job, Sent } from "./journal.ts";
import { Order } from "./order.ts";
import { hasHomes, type Settings } from "./pool.ts";
import { Waiting } from "./waiting.ts";

/** What one client has, or all of a pool that does not tell them apart. */
interface Flow {
  /** Its requests that may be in the pool's list, stored ones that a server has included. */
  readonly waiting: Waiting;
  readonly order: Order;
  /** Of its stored requests, where they wait at a shard that others do not. */
  readonly storedOrder: Order;
  /** What servers do for it. */
  readonly atWork: Set<Job>;
}

/** Who has more of its own waiting waits for those. */
const MOST_OF_OWN = 10;
/** Fewer fates than these say nothing of a client. */
const LEAST_FATES = 40;
/** By so much, from 0 to 1, chance alone may have more of one's requests time out than of another's. */
const MOST_BY_CHANCE = 0.15;

export class Flows {
  readonly #byKey = new Map<string | null, Flow>();
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  of({ plan }: Sent): Flow {
    const key = this.#settings.flow === undefined ? null : plan.flow;
    const known = this.#byKey.get(key);
    if (known) return known;
    const flow = {
      waiting: new Waiting(),
      order: new Order(),
      storedOrder: new Order(),
      atWork: new Set<Job>(),
    };
    this.#byKey.set(key, flow);
    return flow;
  }

  /**
   * In which order it has to come. With several shards there is one at each of them alone: stored requests wait at the first, and a
   * client's own at one that the client has, if its limits ask for that. `null`: nobody can tell at which it waits.
   */
  orderOf(sent: Sent): Order | null {
    const { order, storedOrder } = this.of(sent);
    if (this.#settings.shards === 1) return order;
    if (isDeferring(sent.plan.client)) return storedOrder;
    return hasHomes(this.#settings) ? order : null;
  }
}

/**
 * Returns which clients had more of their direct requests time out than the one that sends most, and by far, though they had
 * few at a time: nobody waits longer because somebody else sends more.
 */
export function starved(requests: Iterable<Sent>): string[] {
  const all = [...requests];
  const [heaviest] = [...fatesByFlow(all)].toSorted(([, a], [, b]) => b.fates - a.fates);
  if (!heaviest) return [];
  const usual = heaviest[1].timedOut / heaviest[1].fates;
  return [...fatesByFlow(all.filter(({ mostOfOwn }) => mostOfOwn <= MOST_OF_OWN))]
    .filter(([, { fates }]) => fates >= LEAST_FATES)
    .filter(([, { fates, timedOut }]) => timedOut / fates > usual + MOST_BY_CHANCE)
    .map(([flow, { fates, timedOut }]) => {
      const percent = `${Math.round(100 * usual)} % of ${heaviest[0]}'s`;
      return `of ${flow ?? "nobody"}'s ${fates} requests ${timedOut} timed out, and ${percent}`;
    });
}

function fatesByFlow(requests: readonly Sent[]): Map<string | null, { fates: number; timedOut: number }> {
  const byFlow = new Map<string | null, { fates: number; timedOut: number }>();
  for (const { plan, outcome } of requests) {
    const isTimedOut = outcome === "refused queue-timeout";
    if (!isTimedOut && outcome !== "answered") continue;
    const counts = byFlow.get(plan.flow) ?? { fates: 0, timedOut: 0 };
    counts.fates++;
    if (isTimedOut) counts.timedOut++;
    byFlow.set(plan.flow, counts);
  }
  return byFlow;
}
