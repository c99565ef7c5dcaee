import { inTime } from "../../link/clock.ts";
import type { Env } from "../../link/env.ts";
import { logError } from "../../link/log.ts";
import { backoffMs, type PoolAddress } from "../../link/reach.ts";
import { type ShardOrders, shardStub } from "../../link/shards.ts";
import type { Member } from "./member.ts";

/** How long the coordinator may take for an answer, in ms. */
const ANSWER_MS = 3_000;
/** The longest pause between two calls, in ms. A shard that has just started grants nothing until it has its orders. */
const LONGEST_PAUSE_MS = 1_000;

/** Tells the coordinator how a shard is, one call at a time, and has the shard do what it answers. */
export class Reporter {
  readonly #env: Env;
  readonly #pool: PoolAddress;
  #isTelling = false;
  #isNew = false;

  readonly #obey: (orders: ShardOrders) => Promise<unknown>;

  /** `pool`: where the coordinator is. `obey`: does what it answers, and resolves once isolates do, too. */
  constructor(env: Env, pool: PoolAddress, obey: (orders: ShardOrders) => Promise<unknown>) {
    this.#env = env;
    this.#pool = pool;
    this.#obey = obey;
  }

  /** There is news. Resolves once it is told, with all that has come meanwhile. Never rejects. */
  async tell(member: Member): Promise<void> {
    this.#isNew = true;
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let failures = 0; this.#isNew; ) {
      this.#isNew = false;
      try {
        const report = member.report(Date.now());
        const orders = await inTime(shardStub(this.#env, this.#pool, 0).report(report), ANSWER_MS);
        if (orders) await this.#obey(orders);
        if (!member.holding.orders) throw new Error("the orders are older than what was followed before");
        failures = 0;
      } catch (error) {
        if (failures++ === 0) logError(error, { pool: this.#pool.name, shard: member.shard });
        member.untold();
        this.#isNew = true;
        await scheduler.wait(backoffMs(failures, LONGEST_PAUSE_MS));
      }
    }
    this.#isTelling = false;
  }
}
