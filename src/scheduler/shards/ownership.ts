import { assign, type PoolServer } from "./assignment.ts";

/** The server is none of the pool any more. */
const NO_SHARD = -1;

/** Who owns a server, as the coordinator's ledger has it. */
export interface OwnerRow {
  identity: string;
  /** The only shard that may grant its slots. */
  owner: number;
  /** Who owns it once `owner` has let it go, or `NO_SHARD`; `null`: it stays. */
  heir: number | null;
  /** The version of the orders by which its owner has it, or since which it is to let it go. */
  sinceVersion: number;
}

/** What the coordinator wants of a shard. A higher version replaces a lower one, in whatever order they come. */
export interface Orders {
  version: number;
  /** How many shards the pool has: numbers below that. Others only let go. */
  shards: number;
  /** The servers whose slots it may grant. */
  owned: string[];
  /** Those that it is to let go: it grants nothing more of them, and says so once nothing of theirs is taken. */
  leaving: string[];
}

/** That a shard has let servers go. */
export interface Release {
  shard: number;
  /** Of the orders that the shard follows. */
  version: number;
  identities: string[];
}

/** What is to be written before anybody is told. */
export interface OwnershipChanges {
  version: number;
  shards: number;
  /** `null`: nobody owns it any more. */
  rows: Map<string, OwnerRow | null>;
}

/**
 * Which shard owns which server: the rules of a pool's coordinator, which is its shard 0. A server has one owner at a time. It
 * changes hands in two steps, each durable before anybody is told: its owner is ordered to let it go, and when that one says
 * that it has, it is the heir's. So whatever restarts or is late in between, one shard at most may grant its slots.
 *
 * That asks two things of a shard: it grants nothing before it has heard orders since its own start, and a server that it has
 * let go is granted again only by orders of a higher version that say so, whatever has restarted since (`Holding`). Of its
 * coordinator: that orders go out only once all that was changed is written, which fails for an instance that has been replaced.
 */
export class Ownership {
  readonly #rows: Map<string, OwnerRow>;
  #changes: OwnershipChanges | null = null;
  #version: number;
  #shards: number;

  /**
   * `occupied`: servers of which the coordinator's own ledger has slots that are taken. Those that nobody is on record for are
   * its own: it was the whole pool before.
   */
  constructor(
    restored: { version: number; shards: number; rows: readonly OwnerRow[] },
    occupied: Iterable<string>,
  ) {
    this.#version = restored.version;
    this.#shards = restored.shards;
    this.#rows = new Map(restored.rows.map((row) => [row.identity, row]));
    this.claim(occupied);
  }

  /** The coordinator's own ledger has slots of these servers that are taken: they are its own, unless somebody is on record. */
  claim(occupied: Iterable<string>): void {
    for (const identity of occupied) if (!this.#rows.has(identity)) this.#put(identity, 0, null);
  }

  get version(): number {
    return this.#version;
  }

  /** All shards that have orders to follow: those that the pool is to have, and those that have not let go of everything. */
  get members(): number[] {
    const owners = [...this.#rows.values()].map(({ owner }) => owner);
    return [...new Set([...Array.from({ length: this.#shards }, (_, shard) => shard), ...owners])].sort(
      (a, b) => a - b,
    );
  }

  /** True if each server is where it is to be. */
  get isSettled(): boolean {
    return [...this.#rows.values()].every(({ heir }) => heir === null);
  }

  /** These are the pool's servers and shards from now on. */
  configure(servers: readonly PoolServer[], shards: number): void {
    if (shards !== this.#shards) {
      this.#shards = shards;
      this.#changed().shards = shards;
    }
    // One that has left the pool and is back belongs where it still is: nobody has to wait for its last requests.
    const shardOf = (identity: string) => {
      const row = this.#rows.get(identity);
      return row && (row.heir === null || row.heir === NO_SHARD ? row.owner : row.heir);
    };
    const ownerOf = (identity: string) => this.#rows.get(identity)?.owner;
    // Apart, so that each shard has as many of both.
    const wanted = new Map(
      [false, true].flatMap((isBackup) => [
        ...assign(
          servers.filter(({ backup = false }) => backup === isBackup),
          shards,
          shardOf,
          ownerOf,
        ),
      ]),
    );
    for (const [identity, shard] of wanted) this.#send(identity, shard);
    for (const identity of this.#rows.keys()) if (!wanted.has(identity)) this.#send(identity, NO_SHARD);
  }

  /** Something else has changed that is ordered: these orders replace those of before, and those of this version. */
  renew(above = 0): void {
    if (above > this.#version) {
      this.#version = above;
      this.#changes = null;
    }
    this.#changed();
  }

  /** The only shard that may grant its slots; `null`: none may at the moment. */
  ownerOf(identity: string): number | null {
    const row = this.#rows.get(identity);
    return row && row.heir === null ? row.owner : null;
  }

  /** Who has not let go of it; `null`: nobody has it. */
  holderOf(identity: string): number | null {
    return this.#rows.get(identity)?.owner ?? null;
  }

  /** What this shard's word counts for, by orders of this version: the servers that it has, and has not got since. */
  hasSince(shard: number, version: number): string[] {
    const own = [...this.#rows.values()].filter(
      ({ owner, sinceVersion }) => owner === shard && sinceVersion <= version,
    );
    return own.map(({ identity }) => identity);
  }

  /** True if all servers are the first shard's, and there is to be no other. */
  get isOne(): boolean {
    return (
      this.#shards === 1 && [...this.#rows.values()].every(({ owner, heir }) => owner === 0 && heir === null)
    );
  }

  orders(shard: number): Orders {
    const own = [...this.#rows.values()].filter(({ owner }) => owner === shard);
    const names = (rows: OwnerRow[]) => rows.map(({ identity }) => identity);
    return {
      version: this.#version,
      shards: this.#shards,
      owned: names(own.filter(({ heir }) => heir === null)),
      leaving: names(own.filter(({ heir }) => heir !== null)),
    };
  }

  /** A shard has let servers go. What it says by orders that are older than those to let go is of before, and no news. */
  released({ shard, version, identities }: Release): void {
    for (const identity of identities) {
      const row = this.#rows.get(identity);
      if (!row || row.owner !== shard || row.heir === null || version < row.sinceVersion) continue;
      if (row.heir === NO_SHARD) this.#forget(identity);
      else this.#put(identity, row.heir, null);
    }
  }

  /** What has changed since the last call; `null`: nothing. To be written before orders or answers are sent. */
  takeChanges(): OwnershipChanges | null {
    const changes = this.#changes;
    this.#changes = null;
    return changes;
  }

  /** The server is to belong to this shard. */
  #send(identity: string, to: number): void {
    const row = this.#rows.get(identity);
    if (!row) this.#put(identity, to, null);
    else if (row.owner === to && row.heir !== null) this.#put(identity, to, null);
    else if (row.owner !== to && row.heir !== to) this.#put(identity, row.owner, to);
  }

  #put(identity: string, owner: number, heir: number | null): void {
    const before = this.#rows.get(identity);
    const { rows, version } = this.#changed();
    // Who is to let it go has been told so already, whoever is the heir.
    const isTold = before?.owner === owner && before.heir !== null && heir !== null;
    const row = { identity, owner, heir, sinceVersion: isTold ? before.sinceVersion : version };
    this.#rows.set(identity, row);
    rows.set(identity, row);
  }

  #forget(identity: string): void {
    this.#rows.delete(identity);
    this.#changed().rows.set(identity, null);
  }

  /** All changes until they are taken have one version. */
  #changed(): OwnershipChanges {
    this.#changes ??= { version: ++this.#version, shards: this.#shards, rows: new Map() };
    return this.#changes;
  }
}
