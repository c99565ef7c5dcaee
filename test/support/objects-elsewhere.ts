/**
 * A Worker whose objects are in another process: what many isolates in front of one object are on Cloudflare, and what
 * `durableObjectNamespace` cannot say. The runtime's debug port reaches any object there by its id (workerd 2026-11-17),
 * with all of RPC: answers, handles, and their end when either process dies.
 */
import type { Env } from "../../src/link/env.ts";
import { shardName } from "../../src/link/shards.ts";

/** As many objects as a pool may consist of. */
const MOST_SHARDS = 64;

interface DebugPort {
  connect(address: string): {
    getActor(service: string, className: string, id: string): DurableObjectStub;
  };
}

export type MaybeElsewhere = Env & { DEBUG_PORT?: DebugPort; OBJECTS_AT?: string };

/** The environment with namespaces that lead there; as it is if its objects are here. */
export function withObjectsElsewhere(env: MaybeElsewhere): Env {
  const { DEBUG_PORT, OBJECTS_AT, POOL, DEFERRED } = env;
  if (!DEBUG_PORT || OBJECTS_AT === undefined) return env;
  const objectOf = (className: string, id: DurableObjectId) =>
    DEBUG_PORT.connect(OBJECTS_AT).getActor("main", className, id.toString()) as never;
  const pools = { getByName: (name: string) => objectOf("Pool", POOL.idFromName(name)) };
  const deferred = {
    // An id depends on the class's key alone, which is the same here as there.
    newUniqueId: () => DEFERRED.newUniqueId(),
    idFromString: (id: string) => DEFERRED.idFromString(id),
    get: (id: DurableObjectId) => objectOf("Deferred", id),
  };
  return { ...env, POOL: pools as unknown as Env["POOL"], DEFERRED: deferred as unknown as Env["DEFERRED"] };
}

/** One that is woken from another process knows its id and not the name that it has been made of. */
export function nameAgain(ctx: DurableObjectState, { POOL, POOLS }: Env): void {
  if (ctx.id.name !== undefined) return;
  const id = Object.keys(POOLS as object)
    .flatMap((pool) => Array.from({ length: MOST_SHARDS }, (_, shard) => shardName(pool, shard)))
    .map((name) => POOL.idFromName(name))
    .find((one) => one.equals(ctx.id));
  if (id) Object.defineProperty(ctx, "id", { value: id });
}
