import type { HashedPart, PoolConfig } from "../../config/types.ts";
import type { FailedServer } from "../waiting/failed-server.ts";
import type { Ticket } from "../waiting/ticket.ts";
import { rendezvous, seedOf } from "./rendezvous.ts";
import type { Server } from "./server.ts";
import { SlowStart } from "./slow-start.ts";

/** Returns one of the servers with a free slot; `undefined`: there is none. */
type Choose = (
  servers: readonly Server[],
  random: () => number,
  hashKey: number | null,
) => Server | undefined;

/**
 * Picks the server for the next request among those with a free slot. Backup servers are used only while no other
 * server is available at all: a server that is merely busy is worth waiting for (HAProxy: `backup` with `option
 * allbackups`).
 *
 * Since `pick` runs on every event, the lists below are cached; `serversChanged` and `slotFreed` keep them up to date.
 */
export class Balance {
  readonly #choose: Choose;
  readonly #hashes: boolean;
  readonly #slowStart: SlowStart;
  /** The servers that neither the operator nor their health keeps from requests, including backups. */
  #available: readonly Server[] = [];
  /** The servers that requests may go to, busy or not: the backups only if nothing else is available. */
  #usable: readonly Server[] = [];
  /**
   * The usable servers that may have a free slot: all of them. After `pick` has found no free slot, as in every pool
   * with a queue, none; then just the one that has a free slot again.
   */
  #candidates: readonly Server[] = [];
  #freePicks = 0;
  #revision = 0;

  constructor({ balance, slowStartMs }: Pick<PoolConfig, "balance" | "slowStartMs">) {
    this.#choose = typeof balance === "string" ? choose[balance] : byHash;
    this.#hashes = this.#choose === byHash;
    this.#slowStart = new SlowStart(slowStartMs);
  }

  /** To be called when a server was added or removed, or its state, health, weight or number of slots has changed. */
  serversChanged(servers: readonly Server[]): void {
    this.#revision++;
    this.#slowStart.serversChanged(servers);
    if (this.#hashes) for (const server of servers) server.hashSeed = seedOf(server);
    const available = servers.filter((server) => server.available);
    const regular = available.filter((server) => !server.backup);
    this.#available = available;
    this.#usable = regular.length > 0 ? regular : available;
    this.#candidates = this.#usable;
  }

  /** How often `serversChanged` was called. */
  get revision(): number {
    return this.#revision;
  }

  slotFreed(server: Server): void {
    if (!this.#usable.includes(server)) return;
    this.#candidates = this.#candidates.length === 0 ? [server] : this.#usable;
  }

  /** True if `pick` would find a server for a new request. */
  get hasFreeSlot(): boolean {
    return this.#candidates.some((server) => server.hasFreeSlot);
  }

  /** How many slots `pick` would find. */
  get freeSlots(): number {
    return this.#candidates.reduce((sum, { slots, occupied }) => sum + Math.max(0, slots - occupied), 0);
  }

  /** Picks the next server in turn, whatever its slots; one of `failed` only if there is no other. */
  pickFree(failed: readonly string[]): Server | undefined {
    const others = (servers: readonly Server[]) => servers.filter(({ name }) => !failed.includes(name));
    const allowed = [others(this.#usable), others(this.#available), this.#usable].find(
      ({ length }) => length > 0,
    );
    return allowed?.[this.#freePicks++ % allowed.length];
  }

  /** Returns `undefined` if no server that may get the request has a free slot. `failed`: the server that failed it. */
  pick(
    { failed, hashKey }: Pick<Ticket, "failed" | "hashKey">,
    now: number,
    random: () => number,
  ): Server | undefined {
    this.#slowStart.tick(now);
    if (failed?.rests || failed?.avoided) return this.#choose(this.#usableFor(failed), random, hashKey);
    const server = this.#choose(this.#candidates, random, hashKey);
    if (!server) this.#candidates = NO_SERVERS;
    return server;
  }

  /** An avoided server is left out as long as another one is available, even if that is busy or a backup. */
  #usableFor(failed: FailedServer): readonly Server[] {
    const isOther = (server: Server) => server.name !== failed.name;
    const others = this.#usable.filter(isOther);
    const allowed = others.length > 0 || !failed.avoided ? others : this.#available.filter(isOther);
    return allowed.length > 0 || failed.rests ? allowed : this.#usable;
  }
}

const NO_SERVERS: readonly Server[] = [];

const choose: Record<Exclude<PoolConfig["balance"], HashedPart>, Choose> = {
  roundrobin: (servers) => smoothWeighted(servers),
  leastconn: leastConnections,
  first: (servers) => servers.find((server) => server.hasFreeSlot),
  random: weightedRandom,
};

/** A request without a key may go to any server. */
const byHash: Choose = (servers, _random, hashKey) =>
  hashKey === null ? smoothWeighted(servers) : rendezvous(servers, hashKey);

/**
 * nginx's smooth weighted round robin: weights 5, 1, 1 give a a b a c a a, and not five times a in a row. `like`: only
 * among those that are as busy as this one.
 */
function smoothWeighted(servers: readonly Server[], like?: Server): Server | undefined {
  let best: Server | undefined;
  let total = 0;
  for (const server of servers) {
    if (!server.hasFreeSlot || (like && busier(server, like) !== 0)) continue;
    server.credit += server.share;
    total += server.share;
    if (!best || server.credit > best.credit) best = server;
  }
  if (best) best.credit -= total;
  return best;
}

/**
 * The server with the fewest occupied slots in proportion to its share. Equal ones take turns by smooth weighted round
 * robin (nginx: `least_conn`), so that shares count among idle servers, too.
 */
function leastConnections(servers: readonly Server[]): Server | undefined {
  let least: Server | undefined;
  for (const server of servers) {
    if (server.hasFreeSlot && (!least || busier(server, least) < 0)) least = server;
  }
  return least && smoothWeighted(servers, least);
}

/** Positive: the first is busier in proportion to its share; 0: they are equal. */
function busier(server: Server, than: Server): number {
  return server.occupied * than.share - than.occupied * server.share;
}

function weightedRandom(servers: readonly Server[], random: () => number): Server | undefined {
  let total = 0;
  for (const server of servers) if (server.hasFreeSlot) total += server.share;
  let left = random() * total;
  let chosen: Server | undefined;
  for (const server of servers) {
    if (!server.hasFreeSlot) continue;
    chosen = server;
    left -= server.share;
    if (left < 0) break;
  }
  return chosen;
}
