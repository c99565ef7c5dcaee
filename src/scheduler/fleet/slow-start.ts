import type { Server } from "./server.ts";

/** What a server begins with, of its weight. */
const LEAST = 0.1;

/**
 * The shares by which servers are chosen: their weights, but for `slow_start` after a server came up, in which its share
 * grows to that. When it came up is on record, so that a restart of the pool's object changes nothing. Times are in ms
 * since the epoch.
 */
export class SlowStart {
  readonly #ms: number;
  /** Those whose share grows; none without `slow_start`. */
  #warming: readonly Server[] = [];

  /** `ms`: how long a share grows. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** To be called when a server was added, or its state, health or weight has changed. */
  serversChanged(servers: readonly Server[]): void {
    for (const server of servers) {
      server.share = server.weight;
      server.warmUntil = server.cameUpAt + this.#ms;
    }
    if (this.#ms > 0) this.#warming = servers.filter(({ cameUpAt }) => Number.isFinite(cameUpAt));
  }

  /** To be called before a server is chosen. */
  tick(now: number): void {
    if (this.#warming.length === 0) return;
    for (const server of this.#warming) {
      const grown = (now - server.cameUpAt) / this.#ms;
      server.share = server.weight * Math.min(1, Math.max(LEAST, grown));
    }
    this.#warming = this.#warming.filter(({ warmUntil }) => warmUntil > now);
  }
}
