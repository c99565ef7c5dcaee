import type { PoolConfig } from "../config/types.ts";
import { ShardChoice, type ShardLoad } from "../scheduler/shards/choice.ts";
import { countsFlows } from "../scheduler/terms/flows.ts";
import { hashOf } from "../scheduler/terms/hash.ts";
import type { PoolAddress } from "./reach.ts";
import { shardAddress } from "./shards.ts";

/** A pool of several objects, as this isolate knows it. */
interface Known {
  choice: ShardChoice;
  addresses: PoolAddress[];
}

const known = new Map<string, Known>();

function knownOf({ name }: PoolAddress): Known {
  let found = known.get(name);
  if (!found) {
    found = { choice: new ShardChoice(), addresses: [] };
    known.set(name, found);
  }
  return found;
}

/** Where a shard is. The pool's own address, if it has no others. */
export function addressOf(pool: PoolAddress, shard: number): PoolAddress {
  if (shard === 0) return pool;
  const { addresses } = knownOf(pool);
  addresses[shard] ??= shardAddress(pool, shard);
  return addresses[shard];
}

/** A shard has said how much it has to do. */
export function heardLoad(pool: PoolAddress, shard: number, load: ShardLoad | undefined): void {
  if (load) knownOf(pool).choice.heard(shard, load, Date.now());
}

/** Returns the shard that a request asks for a slot; not `but`, unless there is no other. */
export function pickShard(pool: PoolConfig, request: Keyed, but = -1): number {
  const home = homeOf(pool, request);
  if (home !== null && but < 0) return home;
  return knownOf(pool).choice.pick(pool.shards, Date.now(), but);
}

/** Returns the shard that it asks next, of those that it has not asked; the last one, if there is no other. */
export function nextShard(
  pool: PoolConfig,
  request: Keyed,
  asked: ReadonlySet<number>,
  last: number,
): number {
  // The first is always one of the pool's.
  if (countsFlows(pool)) return homeOf(pool, request, asked) ?? 0;
  for (let n = 1; n < pool.shards; n++) {
    const shard = (last + n) % pool.shards;
    if (!asked.has(shard)) return shard;
  }
  // One of another version of the pool may have more.
  return last % pool.shards;
}

interface Keyed {
  hashKey?: number | undefined;
  flow?: string | undefined;
}

/**
 * Returns the shard that gets all requests which have this in common: those that are to go to the same server, and those of a flow
 * whose number is limited, so that one object counts them. `null`: any may. A change of the number of shards moves as few as it can.
 * `but`: those that have no servers.
 */
function homeOf(pool: PoolConfig, { hashKey, flow }: Keyed, but: ReadonlySet<number> = NONE): number | null {
  const key = countsFlows(pool) ? (flow ?? "") : hashKey;
  if (key === undefined) return null;
  let [home, highest] = [null as number | null, -1];
  for (let shard = 0; shard < pool.shards; shard++) {
    const score = hashOf(`${key} ${shard}`);
    if (score > highest && !but.has(shard)) [home, highest] = [shard, score];
  }
  return home;
}

const NONE: ReadonlySet<number> = new Set();
