import type { HashedPart, PoolConfig } from "../../../src/config/types.ts";
import type { Server } from "../../../src/scheduler/fleet/server.ts";
import { hashOf } from "../../../src/scheduler/terms/hash.ts";
import type { FailedServer } from "../../../src/scheduler/waiting/failed-server.ts";

/** What a model of a server's share knows: when it was set to ready, its checks passed again, it came; `null`: never. */
export interface CameUp {
  setAt: number | null;
  passedAt: number | null;
  cameAt: number | null;
}

/** A server's share told once more: its weight, or a part of it for so long after it came up. */
export function shareOf(
  server: Server,
  { setAt, passedAt, cameAt }: CameUp,
  slowStartMs: number,
  now: number,
) {
  const times = [
    server.state === "ready" ? setAt : null,
    server.health.status === "up" ? passedAt : null,
    cameAt,
  ].filter((at) => at !== null);
  if (times.length === 0 || slowStartMs === 0) return server.weight;
  const grown = (now - Math.max(...times)) / slowStartMs;
  return grown >= 1 ? server.weight : server.weight * Math.max(grown, 0.1);
}

/** Weighted rendezvous hashing at its plainest: a key's order of all servers, by the scores of all. */
export function orderOf(
  key: number,
  servers: readonly Server[],
  share: (server: Server) => number,
): readonly Server[] {
  const scoreOf = (one: Server) => -share(one) / Math.log(drawOf(key, one.name));
  return servers.toSorted((a, b) => scoreOf(b) - scoreOf(a));
}

const WORD = 1n << 32n;
const MULTIPLIERS = [0x85ebca6bn, 0xc2b2ae35n, 0x85ebca6bn];
const times = (a: bigint, b: bigint) => (a * b) % WORD;

/** In whole numbers of any length, none of which wraps around by itself. */
function drawOf(key: number, name: string): number {
  const [high, low] = [BigInt(key) / WORD, BigInt(key) % WORD];
  const [first, second, third] = MULTIPLIERS as [bigint, bigint, bigint];
  const one = times(low ^ (BigInt(hashOf(name)) % WORD), first);
  const two = times(one ^ (one >> 13n) ^ high, second);
  const three = times(two ^ (two >> 16n), third);
  return (Number(three ^ (three >> 13n)) + 0.5) / 2 ** 32;
}

/** The same rules at their plainest: all servers are asked everything, each time. */
export class BalanceModel {
  readonly #servers: readonly Server[];
  readonly #balance: PoolConfig["balance"];
  readonly #credits = new Map<Server, number>();

  constructor(servers: readonly Server[], balance: PoolConfig["balance"]) {
    this.#servers = servers;
    this.#balance = balance;
  }

  get usable(): readonly Server[] {
    const available = this.#servers.filter(
      (one) => one.state === "ready" && one.weight !== 0 && one.health.status !== "down",
    );
    const regular = available.filter((one) => !one.backup);
    return regular.length > 0 ? regular : available;
  }

  pick(
    { failed, hashKey }: { failed: FailedServer | null; hashKey: number | null },
    share: (server: Server) => number,
    roll: number,
  ): Server | undefined {
    const free = this.#after(failed).filter((one) => one.hasFreeSlot);
    if (isHash(this.#balance)) {
      if (hashKey !== null) return orderOf(hashKey, free, share)[0];
      return this.#inTurn(free, share);
    }
    if (this.#balance === "first") return free[0];
    if (this.#balance === "random") {
      let left = roll * free.reduce((sum, one) => sum + share(one), 0);
      return (
        free.find((one) => {
          left -= share(one);
          return left < 0;
        }) ?? free.at(-1)
      );
    }
    if (this.#balance === "roundrobin") return this.#inTurn(free, share);
    const least = free.toSorted((a, b) => a.occupied * share(b) - b.occupied * share(a))[0];
    const equals = free.filter((one) => least && one.occupied * share(least) === least.occupied * share(one));
    return this.#inTurn(equals, share);
  }

  #after(failed: FailedServer | null): readonly Server[] {
    const { usable } = this;
    const isOther = (one: Server) => one.name !== failed?.name;
    const isAvailable = (one: Server) =>
      one.state === "ready" && one.weight !== 0 && one.health.status !== "down";
    if (failed?.avoided && this.#servers.some((one) => isOther(one) && isAvailable(one))) {
      return usable.some(isOther)
        ? usable.filter(isOther)
        : this.#servers.filter((one) => isOther(one) && isAvailable(one));
    }
    return failed?.rests ? usable.filter(isOther) : usable;
  }

  #inTurn(servers: readonly Server[], share: (server: Server) => number): Server | undefined {
    const credit = (one: Server) => this.#credits.get(one) ?? 0;
    for (const one of servers) this.#credits.set(one, credit(one) + share(one));
    const best = servers.toSorted((a, b) => credit(b) - credit(a))[0];
    const total = servers.reduce((sum, one) => sum + share(one), 0);
    if (best) this.#credits.set(best, credit(best) - total);
    return best;
  }
}

function isHash(balance: PoolConfig["balance"]): balance is HashedPart {
  return typeof balance === "object";
}
