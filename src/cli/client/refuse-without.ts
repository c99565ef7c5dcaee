import type { Right } from "../../config/rights.ts";
import { quoted } from "../terminal/output.ts";
import type { AdminClient } from "./admin-client.ts";
import { MissingRight } from "./missing-right.ts";

/** What a drain or a stop needs; `cutMs`: of one that cuts off what is in flight. */
export function rightsToDrain(cutMs: number | undefined): [Right, ...Right[]] {
  return cutMs === undefined ? ["look", "drain"] : ["look", "drain", "slots"];
}

/**
 * Rejects if a right is missing that a command on the pool will need sooner or later: before it has changed anything. Also
 * rejects for an unknown pool.
 */
export async function refuseWithout(
  rights: readonly [Right, ...Right[]],
  client: AdminClient,
  pool: string,
  signal?: AbortSignal,
): Promise<void> {
  const me = await client.me({ pool }, signal);
  const has = Object.hasOwn(me.pools, pool) ? me.pools[pool] : undefined;
  // Says whether there is no such pool, or none for them.
  if (has === undefined) return void (await client.pool(pool, signal));
  const missing = rights.filter((right) => !has.includes(right));
  const [first] = missing;
  if (first === undefined) return;
  const noun = missing.length === 1 ? "right" : "rights";
  const named = missing.map((right) => `"${right}"`).join(" and ");
  const sentence = `${quoted(me.name)} does not have the ${noun} ${named} for the pool ${quoted(pool)}`;
  throw new MissingRight(sentence, first, pool).withRightsOf(me);
}
