import type { PoolConfig } from "../../config/types.ts";
import type { Env } from "../../link/env.ts";
import { askEach } from "../ask-pool.ts";
import { CONTENT_TYPE, exposition } from "./exposition.ts";
import { familiesOf } from "./families.ts";

/** All pools, each as it is at this moment. */
export async function scrape(env: Env, pools: readonly PoolConfig[]): Promise<Response> {
  const answers = await askEach(env, pools, (stub) => stub.metrics());
  const scraped = answers.map(({ name, answer }) => ({ pool: name, metrics: answer }));
  const text = exposition(familiesOf(scraped, Date.now()));
  return new Response(text, { headers: { "Content-Type": CONTENT_TYPE } });
}
