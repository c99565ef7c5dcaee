import { Refusal } from "../refusals/refusal.ts";
import { ClientLeft, DETAILS, type RequestContext, refuseIfRetryIsPointless } from "./acquire.ts";
import type { Env } from "./env.ts";
import { FreePassage } from "./passage.ts";
import { type FreeAnswer, type FreeRequest, PROTOCOL } from "./protocol.ts";
import { reach } from "./reach.ts";
import { addressOf, pickShard } from "./shard-choice.ts";

const NO_SERVER: FreeAnswer = { free: false, code: "no-server" };

/** Another shard is asked. */
class NotReached extends Error {}

/**
 * Asks the pool for a server that gets the request without a slot. `failed`: names of the servers that have failed it.
 * `null`: nothing passes now, as the pool is drained, and the request is to ask for a slot. Rejects with a `Refusal`, or
 * with `ClientLeft` if the client disconnects first.
 */
export async function acquireFreePassage(
  env: Env,
  { pool, client }: RequestContext,
  failed: string[],
): Promise<FreePassage | null> {
  const startedAt = Date.now();
  for (let asked = 0, shard = pool.shards === 1 ? 0 : pickShard(pool, {}); ; asked++) {
    const mayAskAnother = asked < pool.shards - 1;
    const request = { protocol: PROTOCOL, failed, ...(mayAskAnother ? { mayAskAnother } : {}) };
    const answer = await ask(env, { pool, client }, request, { shard, startedAt });
    if (answer.free) return new FreePassage(answer.server);
    if (answer.code === "halted") return null;
    // Another shard may have one.
    if (!mayAskAnother) throw new Refusal(answer.code, DETAILS[answer.code], pool.name);
    shard = (shard + 1) % pool.shards;
  }
}

async function ask(
  env: Env,
  { pool, client }: Pick<RequestContext, "pool" | "client">,
  request: FreeRequest,
  { shard, startedAt }: { shard: number; startedAt: number },
): Promise<FreeAnswer> {
  const onFailure = (error: unknown) => {
    if (client.aborted) throw new ClientLeft();
    if (request.mayAskAnother) throw new NotReached();
    refuseIfRetryIsPointless(error, pool, {}, Date.now() - startedAt);
  };
  const address = addressOf(pool, shard);
  const answer = await reach(env, address, async (stub) => stub.freeServer(request), onFailure).catch(
    (error) => {
      if (error instanceof NotReached) return NO_SERVER;
      throw error;
    },
  );
  if (client.aborted) throw new ClientLeft();
  return answer;
}
