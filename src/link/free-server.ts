import { Refusal } from "../refusals/refusal.ts";
import { ClientLeft, DETAILS, type RequestContext, refuseIfRetryIsPointless } from "./acquire.ts";
import type { Env } from "./env.ts";
import { FreePassage } from "./passage.ts";
import { PROTOCOL } from "./protocol.ts";
import { reach } from "./reach.ts";

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
  const onFailure = (error: unknown) => {
    if (client.aborted) throw new ClientLeft();
    refuseIfRetryIsPointless(error, pool, {}, Date.now() - startedAt);
  };
  const asked = { protocol: PROTOCOL, failed };
  const answer = await reach(env, pool, async (stub) => stub.freeServer(asked), onFailure);
  if (client.aborted) throw new ClientLeft();
  if (answer.free) return new FreePassage(answer.server);
  if (answer.code === "halted") return null;
  throw new Refusal(answer.code, DETAILS[answer.code], pool.name);
}
