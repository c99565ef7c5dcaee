import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { settings } from "./settings.ts";

const DONE = { how: "done", status: 200 } as const;

/** Times from one arrival to the next, in ms. */
export type Gaps = () => number;

/** Exactly so many a second. */
export const evenly =
  (perSecond: number): Gaps =>
  () =>
    1_000 / perSecond;

export const never: Gaps = () => Number.POSITIVE_INFINITY;

/** So many a second on average, each by chance, as clients come that know nothing of each other. */
export function byChance(perSecond: number, seed: number): Gaps {
  let state = seed;
  return () => {
    // xorshift
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (-Math.log(((state >>> 0) + 1) / (2 ** 32 + 1)) * 1_000) / perSecond;
  };
}

/** Traffic played at a pool whose servers take one request at a time, and the same time for each. */
export class Played {
  readonly scheduler: Scheduler;
  now = 0;
  /** When the list was first full. */
  fullAt: number | null = null;
  /** When a request was first refused, by the refusal's code. */
  readonly refusedAt: Record<string, number> = {};
  readonly #serviceMs: number;
  readonly #running: { id: string; endsAt: number }[] = [];
  #ids = 0;

  constructor({ servers = 1, serviceMs = 1_000, ...keys }: Record<string, unknown> & PlayedServers) {
    const all = Array.from({ length: servers }, (_, n) => ({ name: `s${n}`, url: `http://s${n}.example` }));
    this.scheduler = new Scheduler(settings({ servers: all, ...keys }), null, 0);
    this.#serviceMs = serviceMs;
  }

  /** Plays so many seconds; `each`: to be called at the end of each. */
  play(seconds: number, gaps: Gaps, each: () => void = () => {}): void {
    let arrivesAt = this.now + gaps();
    for (let second = 0; second < seconds; second++) {
      const until = this.now + 1_000;
      for (;;) {
        const endsAt = this.#running[0]?.endsAt ?? Number.POSITIVE_INFINITY;
        const next = Math.min(arrivesAt, endsAt, this.scheduler.nextTick());
        if (next >= until) break;
        this.now = Math.max(this.now, next);
        if (next === endsAt) this.#end();
        else if (next === arrivesAt) {
          this.arrive();
          arrivesAt += gaps();
        } else this.#do(() => this.scheduler.tick(this.now));
      }
      this.now = until;
      each();
    }
  }

  arrive(count = 1): void {
    for (let n = 0; n < count; n++) this.#do(() => this.scheduler.enter({ id: `t${this.#ids++}` }, this.now));
  }

  drain(expiresMs = 3_600_000): void {
    const expiresAt = this.now + expiresMs;
    this.#do(() => this.scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt }, this.now));
  }

  resume(): void {
    this.#do(() => this.scheduler.resume({ owner: "me", by: "me", force: "no" }, this.now));
  }

  get fullInMs(): number | null {
    return this.scheduler.capacity(this.now).fullInMs;
  }

  #end(): void {
    const ended = this.#running.shift();
    if (ended) this.#do(() => this.scheduler.end(ended.id, DONE, this.now));
  }

  #do(event: () => void): void {
    event();
    for (const decision of this.scheduler.takeChanges().decisions) {
      if (decision.kind === "grant")
        this.#running.push({ id: decision.ticket, endsAt: this.now + this.#serviceMs });
      if (decision.kind === "refuse") this.refusedAt[decision.code] ??= this.now;
    }
    if (this.scheduler.queued >= this.scheduler.limits.maxQueue) this.fullAt ??= this.now;
  }
}

interface PlayedServers {
  servers?: number;
  serviceMs?: number;
}
