import type { PoolConfig } from "../../config/types.ts";
import type { Env } from "../../link/env.ts";
import { type ShardOrders, shardAddress } from "../../link/shards.ts";
import type { Scheduler } from "../../scheduler/scheduler.ts";
import { Holding } from "../../scheduler/shards/holding.ts";
import { Ownership } from "../../scheduler/shards/ownership.ts";
import { Coordinator } from "./coordinator.ts";
import { Member } from "./member.ts";
import { Reporter } from "./reporter.ts";
import type { ShardLedger } from "./shard-ledger.ts";
import { Whole } from "./whole.ts";

interface Parts {
  env: Env;
  pool: PoolConfig;
  shard: number;
  holding: Holding<ShardOrders>;
  scheduler: Scheduler;
  ledger: ShardLedger;
  storage: DurableObjectStorage;
  isDeferredFull: () => boolean;
  on: {
    write: (changes: () => void) => void;
    /** The scheduler has something to commit. */
    changed: () => void;
    /** The coordinator has answered with these: does them, and resolves once isolates do, too. */
    orders: (orders: ShardOrders) => Promise<unknown>;
  };
}

/** An object's part in a pool of several. */
export class Part {
  readonly member: Member;
  /** Only in the first object, as is `whole`. */
  readonly coordinator: Coordinator | null;
  readonly whole: Whole | null;

  constructor({ env, pool, shard, holding, scheduler, ledger, storage, isDeferredFull, on }: Parts) {
    const reporter = shard === 0 ? null : new Reporter(env, shardAddress(pool, 0), on.orders);
    const news = () => {
      if (reporter) void reporter.tell(this.member);
      else this.coordinator?.heard(this.member.report(Date.now()));
    };
    const member = new Member({ shard, holding, scheduler, ledger, on: { ...on, news } });
    const shared = { env, pool, member, scheduler, ledger, storage, isDeferredFull, on };
    const coordinator = shard === 0 ? new Coordinator(shared) : null;
    this.member = member;
    this.coordinator = coordinator;
    this.whole = coordinator && new Whole({ coordinator, scheduler, ledger, write: on.write });
  }
}

/** Returns what such an object may grant; `null`: it is the whole pool, and no other one has servers that it has not let go. */
export function holdingOf(ledger: ShardLedger, shard: number, shards: number): Holding<ShardOrders> | null {
  const { rows, ...known } = ledger.load();
  const { isOne } = new Ownership({ version: known.version, shards, rows }, []);
  if (shard !== 0 || !isOne) return new Holding(shard, ledger.followed);
  if (rows.length > 0 || known.shards > 1) ledger.forgetOwners();
  return null;
}

/** Returns orders for a shard of a pool that is one object: its Workers, or those of before, are of another version. */
export function ordersToGo(ledger: ShardLedger): ShardOrders {
  const { version } = ledger.load();
  const nothing = { owned: [], leaving: [], drain: null, overrides: [], registered: [], down: [] };
  return { version, shards: 1, ...nothing, isDeferredFull: false };
}
