import type { Orders, Release } from "./ownership.ts";

/**
 * What a shard may grant, to requests and to checks that take a slot, by the coordinator's orders (`Ownership`). A shard that starts
 * knows of nothing, and grants nothing until it has heard. Only which orders it has followed is durable:
 * those of before may be late, and say that it owns what it has let go.
 */
export class Holding<Heard extends Orders = Orders> {
  readonly #shard: number;
  readonly #followed: number;
  #orders: Heard | null = null;
  #owned: ReadonlySet<string> = new Set();

  /** `followed`: the version of the last orders that are on record; 0: there are none. */
  constructor(shard: number, followed: number) {
    this.#shard = shard;
    this.#followed = followed;
  }

  /** `null`: nothing has been heard since the start. */
  get orders(): Heard | null {
    return this.#orders;
  }

  /** True if the shard is one of the pool's. One that is none any more finishes what it has. */
  get isMember(): boolean {
    return this.#orders !== null && this.#shard < this.#orders.shards;
  }

  mayGrant(identity: string): boolean {
    return this.#owned.has(identity);
  }

  /** Returns false for orders that are no news. */
  hear(orders: Heard): boolean {
    const isNews =
      this.#orders === null ? orders.version >= this.#followed : orders.version > this.#orders.version;
    if (!isNews) return false;
    this.#orders = orders;
    this.#owned = new Set(orders.owned);
    return true;
  }

  /**
   * Returns what is to be told of the servers that are to be let go; `null`: nothing. `isTaken`: whether any slot of a server is,
   * in whatever state. It may be told only once its version is on record, which fails for an instance that has been replaced: its
   * successor may have other orders.
   */
  release(isTaken: (identity: string) => boolean): Release | null {
    const { version = 0, leaving = [] } = this.#orders ?? {};
    const identities = leaving.filter((identity) => !isTaken(identity));
    return identities.length > 0 ? { shard: this.#shard, version, identities } : null;
  }
}
