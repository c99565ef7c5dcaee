import type { PoolConfig } from "../../config/types.ts";
import type { FailedServer } from "../waiting/failed-server.ts";
import type { Server } from "./server.ts";

type Choose = (servers: readonly Server[], random: () => number) => Server | undefined;

/**
 * Picks the server for the next request among those with a free slot. Backup servers are used only while no other
 * server is available at all: a server that is merely busy is worth waiting for (HAProxy: `backup` with `option
 * allbackups`).
 *
 * Since `pick` runs on every event, the lists below are cached; `serversChanged` and `slotFreed` keep them up to date.
 */
export class Balance {
  readonly #choose: Choose;
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

  constructor(balance: PoolConfig["balance"]) {
    this.#choose = choose[balance];
  }

  /** To be called when a server was added or removed, or its state, health or number of slots has changed. */
  serversChanged(servers: readonly Server[]): void {
    const available = servers.filter((server) => server.available);
    const regular = available.filter((server) => !server.backup);
    this.#available = available;
    this.#usable = regular.length > 0 ? regular : available;
    this.#candidates = this.#usable;
  }

  slotFreed(server: Server): void {
    if (!this.#usable.includes(server)) return;
    this.#candidates = this.#candidates.length === 0 ? [server] : this.#usable;
  }

  /** True if `pick` would find a server for a new request. */
  get hasFreeSlot(): boolean {
    return this.#candidates.some((server) => server.hasFreeSlot);
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
  pick(random: () => number, failed: FailedServer | null): Server | undefined {
    if (failed?.rests || failed?.avoided) return this.#choose(this.#usableFor(failed), random);
    const server = this.#choose(this.#candidates, random);
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

const choose: Record<PoolConfig["balance"], Choose> = {
  roundrobin: smoothWeighted,
  leastconn: leastConnections,
  first: (servers) => servers.find((server) => server.hasFreeSlot),
  random: weightedRandom,
};

/** nginx's smooth weighted round robin: weights 5, 1, 1 give a a b a c a a, and not five times a in a row. */
function smoothWeighted(servers: readonly Server[]): Server | undefined {
  let best: Server | undefined;
  let total = 0;
  for (const server of servers) {
    if (!server.hasFreeSlot) continue;
    server.credit += server.weight;
    total += server.weight;
    if (!best || server.credit > best.credit) best = server;
  }
  if (best) best.credit -= total;
  return best;
}

/** The server with the fewest occupied slots in proportion to its weight; of equal ones, that with the oldest grant. */
function leastConnections(servers: readonly Server[]): Server | undefined {
  let best: Server | undefined;
  for (const server of servers) {
    if (server.hasFreeSlot && (!best || isLessBusy(server, best))) best = server;
  }
  return best;
}

function isLessBusy(server: Server, than: Server): boolean {
  const difference = server.occupied * than.weight - than.occupied * server.weight;
  return difference !== 0 ? difference < 0 : server.lastGrant < than.lastGrant;
}

function weightedRandom(servers: readonly Server[], random: () => number): Server | undefined {
  let total = 0;
  for (const server of servers) if (server.hasFreeSlot) total += server.weight;
  let left = random() * total;
  let chosen: Server | undefined;
  for (const server of servers) {
    if (!server.hasFreeSlot) continue;
    chosen = server;
    left -= server.weight;
    if (left < 0) break;
  }
  return chosen;
}
