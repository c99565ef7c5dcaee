import type { PoolConfig } from "../../config/types.ts";
import type { FailedServer } from "../waiting/failed-server.ts";
import type { Server } from "./server.ts";

type Choose = (servers: readonly Server[], random: () => number) => Server | undefined;

/**
 * Chooses the server for the next request among those with a free slot. Backup servers are asked only while no
 * other server is available at all: one that is merely busy is worth waiting for (HAProxy: `backup` together
 * with `option allbackups`).
 *
 * Asked on every event, it remembers what seldom changes, and has to be told when it does.
 */
export class Balance {
  readonly #choose: Choose;
  /** Those that are up, backups among them. */
  #available: readonly Server[] = [];
  /** Those that would take requests, busy or not. */
  #usable: readonly Server[] = [];
  /**
   * Those of them that may have a free slot: all, as a rule. Where nobody had one at the last look, as in every
   * pool with a queue, it is nobody, and then the one whose slot came free.
   */
  #candidates: readonly Server[] = [];

  constructor(balance: PoolConfig["balance"]) {
    this.#choose = choose[balance];
  }

  /** A server has come or gone, its state, its health or its number of slots changed. */
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

  /** Whether there is a server to pick. */
  get hasFreeSlot(): boolean {
    return this.#candidates.some((server) => server.hasFreeSlot);
  }

  /** `failed` has failed the request, and may be passed by. */
  pick(random: () => number, failed: FailedServer | null): Server | undefined {
    if (failed?.rests || failed?.avoided) return this.#choose(this.#usableAfter(failed), random);
    const server = this.#choose(this.#candidates, random);
    if (!server) this.#candidates = NOBODY;
    return server;
  }

  /** An avoided server is passed by as long as there is any other, free or not, be it a backup. */
  #usableAfter(failed: FailedServer): readonly Server[] {
    const isOther = (server: Server) => server.name !== failed.name;
    const others = this.#usable.filter(isOther);
    const known = others.length > 0 || !failed.avoided ? others : this.#available.filter(isOther);
    return known.length > 0 || failed.rests ? known : this.#usable;
  }
}

const NOBODY: readonly Server[] = [];

const choose: Record<PoolConfig["balance"], Choose> = {
  roundrobin: smoothWeighted,
  leastconn: leastConnections,
  first: (servers) => servers.find((server) => server.hasFreeSlot),
  random: weightedRandom,
};

/** nginx's smooth weighted round robin: weights 5, 1, 1 give a a b a c a a, not five in a row. */
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

/** Fewest requests in flight for its weight; the one that has waited longest among equals. */
function leastConnections(servers: readonly Server[]): Server | undefined {
  let best: Server | undefined;
  for (const server of servers) {
    if (server.hasFreeSlot && (!best || isLessBusy(server, best))) best = server;
  }
  return best;
}

function isLessBusy(server: Server, than: Server): boolean {
  const difference = server.taken * than.weight - than.taken * server.weight;
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
