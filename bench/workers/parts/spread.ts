/**
 * A pool's objects dealt out among processes, as Cloudflare does it and `durableObjectNamespace` cannot say: the runtime's
 * debug port reaches any object of another process by its id, with all of RPC (workerd 2026-11-17).
 */
import type { Env } from "../../../src/link/env.ts";
import { shardName, shardNamed } from "../../../src/link/shards.ts";

interface DebugPort {
  connect(address: string): {
    getActor(service: string, className: string, id: string): DurableObjectStub;
  };
}

export interface SpreadEnv extends Env {
  DEBUG_PORT?: DebugPort;
  /** The debug ports of the processes that have the objects: shard 0 is in the first, shard 1 in the second … */
  OBJECTS_AT?: readonly string[];
  /** Which of them this process is; absent: it has only Workers. */
  OBJECTS_HERE?: number;
  /** How many requests an object lets in; absent: as many as come. */
  ENTERS_A_SECOND?: number;
}

/**
 * Lets requests in no faster than that, without using the processor meanwhile: an object at its limit, where there are more
 * objects than processors to show it.
 */
export class Gate {
  readonly #everyMs: number;
  #nextAt = 0;

  constructor({ ENTERS_A_SECOND }: SpreadEnv) {
    this.#everyMs = ENTERS_A_SECOND === undefined ? 0 : 1_000 / ENTERS_A_SECOND;
  }

  through<T>(enter: () => Promise<T>): Promise<T> {
    if (this.#everyMs === 0) return enter();
    const now = Date.now();
    this.#nextAt = Math.max(now, this.#nextAt) + this.#everyMs;
    return scheduler.wait(this.#nextAt - now).then(enter);
  }
}

/** The environment with a namespace that leads to those processes; as it is if all objects are here. */
export function withSpreadObjects(env: SpreadEnv): Env {
  const { DEBUG_PORT, OBJECTS_AT, OBJECTS_HERE, POOL } = env;
  if (!DEBUG_PORT || !OBJECTS_AT) return env;
  const pool: Pick<Env["POOL"], "getByName"> = {
    getByName: (name, options) => {
      const process = shardNamed(name).shard % OBJECTS_AT.length;
      if (process === OBJECTS_HERE) return POOL.getByName(name, options);
      const id = POOL.idFromName(name).toString();
      return DEBUG_PORT.connect(OBJECTS_AT[process] as string).getActor("main", "Pool", id) as never;
    },
  };
  return { ...env, POOL: pool as Env["POOL"] };
}

/** One that is woken from another process knows its id and not the name that it has been made of. */
export function nameAgain(ctx: DurableObjectState, { POOL, POOLS }: SpreadEnv): void {
  if (ctx.id.name !== undefined) return;
  const pools = Object.entries(POOLS as Record<string, { shards?: number }>);
  const id = pools
    .flatMap(([name, { shards = 1 }]) => Array.from({ length: shards }, (_, shard) => shardName(name, shard)))
    .map((name) => POOL.idFromName(name))
    .find((one) => one.equals(ctx.id));
  if (id) Object.defineProperty(ctx, "id", { value: id });
}
