/** A pool of several objects: what they are called, and what they tell each other. */
import type { Drain } from "../scheduler/drain.ts";
import type { Counts } from "../scheduler/record/counters.ts";
import type { Sketch } from "../scheduler/record/percentiles.ts";
import type { Orders } from "../scheduler/shards/ownership.ts";
import type { RegisteredRow, ServerRow } from "../scheduler/terms/rows.ts";
import type { TicketRequest } from "../scheduler/waiting/ticket.ts";
import type { Act } from "./act.ts";
import type { Env } from "./env.ts";
import type { Granted, News, PoolCalls, Seen } from "./protocol.ts";
import { type PoolAddress, poolStub } from "./reach.ts";

/** Stands before a shard's number. No pool's name has it. */
const MARK = "#";

/** Returns the name of the object that is this shard: the first has the pool's, and is the coordinator of all. */
export function shardName(pool: string, shard: number): string {
  return shard === 0 ? pool : `${pool}${MARK}${shard}`;
}

export function shardNamed(name: string): { pool: string; shard: number } {
  const [pool = name, shard = "0"] = name.split(MARK);
  return { pool, shard: Number(shard) };
}

/** Where the object is that is this shard. */
export function shardAddress({ name, locationHint }: PoolAddress, shard: number): PoolAddress {
  return { name: shardName(name, shard), locationHint };
}

export type ShardStub = DurableObjectStub<PoolCalls & ShardCalls>;

/** A fresh stub of this shard, for one call; see `poolStub`. */
export function shardStub(env: Env, pool: PoolAddress, shard: number): ShardStub {
  return poolStub(env, shardAddress(pool, shard)) as unknown as ShardStub;
}

/** The calls between a pool's shards. Each is idempotent. */
export interface ShardCalls extends Rpc.DurableObjectBranded {
  // ── By a shard, to the coordinator ──

  /** Says how the shard is, when it starts and when that has changed. Resolves with its orders; `null`: it follows the latest. */
  report(report: ShardReport): Promise<ShardOrders | null>;

  // ── By the coordinator, to a shard ──

  /** Resolves with how the shard is once it follows these orders, and no isolate passes a lease on by what it was told before. */
  obey(orders: ShardOrders): Promise<ShardReport>;
  /** Requests wait at another shard: returns how many slots this one has for which nobody waits, and for a while it reports more. */
  wantRoom(): number;
  /** So many of the requests that wait are to go to another shard, which has room for them. */
  sendOn(to: number, count: number): void;
  /** Has a deferred request that waits at the first shard get a slot of this one, if there is one that nobody waits for. */
  borrow(request: TicketRequest): Promise<Granted | null>;
  /** What a watcher of this shard alone would see; see `Watch.look`. */
  view(seen: Seen | null, history: boolean): ShardView;
  /** `PoolCalls.metrics` of this shard alone. */
  counts(): Counts;
  /** `PoolCalls.freeLease` of a slot of this shard. Returns the name of its server; `null`: it has no such lease. */
  freeHere(name: string, act: Act, waitedMs: number): Promise<string | null>;
}

/** What the coordinator wants of a shard. */
export interface ShardOrders extends Orders {
  /** The drain that is on in the pool; `null`: none. */
  drain: Drain | null;
  /** What operators want of servers, of those of which they want anything. */
  overrides: Pick<ServerRow, "name" | "override" | "stateSince">[];
  /** The servers that have registered, and not left. */
  registered: RegisteredRow[];
  /** True if no more deferred requests may wait, which do so at the first shard. */
  isDeferredFull: boolean;
  /** Those of its servers, by their identities, that were down when last heard of. */
  down: string[];
}

/** How a shard is. */
export interface ShardReport {
  shard: number;
  /**
   * When the shard's instance started, in ms since the epoch, and later than the one before, whatever the clock says; and the number of
   * the report, which rises: reports may overtake each other.
   */
  since: number;
  number: number;
  /** Of the orders that it follows, and its isolates, too; 0: it has none. */
  version: number;
  /** Of the last orders that it has on record: none of before count. */
  followed: number;
  /** The servers that it has let go. */
  released: string[];
  /** Those of its servers that are down, or were when it let them go. */
  down: string[];
  /** In a drain: nothing of it is in flight any more, or what was has been cut off. */
  isQuiet: boolean;
  /** So many of its requests have waited for too long, the first of them since then; ms since the epoch. */
  want: { count: number; since: number } | null;
  /** True if requests can get slots of it, now or later. */
  isAvailable: boolean;
  /** How many slots it has for which nobody waits there, if that is asked for; 0: none, or nobody asks. */
  room: number;
}

/** A shard as the pool's snapshot and events are made of it. */
export interface ShardView {
  /** Of the orders that the shard followed. */
  version: number;
  news: News;
  /** Of the snapshot's `waitMs` and `serviceMs`. */
  waits: Sketch;
  services: Sketch;
}
