import { PriorityQueue } from "../../src/scheduler/collections/priority-queue.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { TicketRequest } from "../../src/scheduler/waiting/ticket.ts";
import { DONE } from "./ends.ts";
import { settings } from "./settings.ts";

/** From 0 to 1, always the same ones for a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Times that vary by chance, as those between clients that know nothing of each other do. */
export const exponential = (meanMs: number, random: () => number) => -Math.log(1 - random()) * meanMs;

export interface Client {
  /** What it asks for, but for the id. */
  asks: Partial<TicketRequest>;
  /** What it was told with each refusal, in s. */
  told: number[];
  /** `waits`, `served`, or the code of its last refusal. */
  now: string;
  served: () => void;
}

interface Timed {
  at: number;
  number: number;
  happens: () => void;
}

/**
 * Clients of a pool with single-flight servers, played at the real scheduler with a clock of their own. Whoever is refused
 * comes again after exactly its `Retry-After`, in whole seconds, as an HTTP client does.
 */
export class Crowd {
  now = 0;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly clients: Client[] = [];
  readonly #serviceMs: (random: () => number) => number;
  readonly #timed = new PriorityQueue<Timed>(
    (a, b) => a.at < b.at || (a.at === b.at && a.number < b.number),
    () => false,
  );
  readonly #waiting = new Map<string, Client>();
  #numbers = 0;

  constructor(
    keys: Record<string, unknown> & { servers: number },
    serviceMs: (random: () => number) => number,
    seed: number,
  ) {
    const servers = Array.from({ length: keys.servers }, (_, n) => ({
      name: `s${n}`,
      url: `http://s${n}.example`,
    }));
    this.random = seeded(seed);
    this.#serviceMs = serviceMs;
    this.scheduler = new Scheduler(settings({ ...keys, servers }), null, 0, this.random);
  }

  /** One client after another, so many a second by chance, for as long as is played. */
  comeSteadily(perSecond: number, asks: Partial<TicketRequest> = {}): void {
    this.#in(exponential(1_000 / perSecond, this.random), () => {
      this.comes(asks);
      this.comeSteadily(perSecond, asks);
    });
  }

  comes(asks: Partial<TicketRequest> = {}, served = () => {}): Client {
    const client: Client = { asks, told: [], now: "waits", served };
    this.clients.push(client);
    this.#ask(client);
    return client;
  }

  /** As many at once as it takes until `count` of them are refused; returns those. */
  burst(count: number): Client[] {
    const refused: Client[] = [];
    while (refused.length < count) {
      const client = this.comes();
      if (client.told.length > 0) refused.push(client);
    }
    return refused;
  }

  /** A client that asks again `pauseMs` after each answer. */
  comesAgainAndAgain(pauseMs: number): void {
    this.comes({}, () => this.#in(pauseMs, () => this.comesAgainAndAgain(pauseMs)));
  }

  play(seconds: number): void {
    const until = this.now + seconds * 1_000;
    for (;;) {
      const next = this.#timed.peek()?.at ?? Number.POSITIVE_INFINITY;
      const at = Math.min(next, this.scheduler.nextTick());
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (next === at) this.#timed.pop()?.happens();
      else this.do(() => this.scheduler.tick(this.now));
    }
    this.now = until;
  }

  /** Lets something happen to the pool, and its clients hear of it. */
  do(event: () => void): void {
    event();
    for (const decision of this.scheduler.takeChanges().decisions) {
      const { kind, ticket } = decision;
      const client = this.#waiting.get(ticket) as Client;
      if (kind !== "queued") this.#waiting.delete(ticket);
      if (kind === "grant") this.#serve(ticket, client);
      if (kind !== "refuse") continue;
      const { retryAfterMs } = decision.outlook ?? {};
      if (typeof retryAfterMs !== "number") throw new Error("it was told no time");
      client.now = decision.code;
      client.told.push(Math.max(1, Math.ceil(retryAfterMs / 1_000)));
      this.#in((client.told.at(-1) as number) * 1_000, () => this.#ask(client));
    }
  }

  #serve(ticket: string, client: Client): void {
    this.#in(this.#serviceMs(this.random), () => {
      this.do(() => this.scheduler.end(ticket, DONE, this.now));
      client.now = "served";
      client.served();
    });
  }

  #ask(client: Client): void {
    client.now = "waits";
    const id = `t${this.#numbers++}`;
    this.#waiting.set(id, client);
    this.do(() => this.scheduler.enter({ id, ...client.asks }, this.now));
  }

  #in(ms: number, happens: () => void): void {
    this.#timed.push({ at: this.now + ms, number: this.#numbers++, happens });
  }
}

/** Which share of clients that were refused was served at the second try. */
export function servedAtSecondTry(refused: Client[]): number {
  return refused.filter(({ told, now }) => told.length === 1 && now === "served").length / refused.length;
}

/** How many of the clients come again in the same second, at most. */
export function mostInASecond(refused: Client[]): number {
  const counts = new Map<number, number>();
  for (const { told } of refused) counts.set(told[0] as number, (counts.get(told[0] as number) ?? 0) + 1);
  return Math.max(...counts.values());
}
