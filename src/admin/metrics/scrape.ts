import type { PoolConfig } from "../../config/types.ts";
import type { Env } from "../../pool/env.ts";
import { Refusal } from "../../refusals/refusal.ts";
import { askPool } from "../ask-pool.ts";
import { inTime } from "../in-time.ts";
import { CONTENT_TYPE, exposition } from "./exposition.ts";
import { familiesOf, type Scraped } from "./families.ts";

/** Prometheus itself gives up after 10 s, and then there is nothing of the other pools either. */
const PATIENCE_MS = 3_000;

/** All pools, each as it is at this moment. */
export async function scrape(env: Env, pools: readonly PoolConfig[]): Promise<Response> {
  const scraped = await Promise.all(pools.map((pool) => scrapePool(env, pool)));
  const text = exposition(familiesOf(scraped, Date.now()));
  return new Response(text, { headers: { "Content-Type": CONTENT_TYPE } });
}

async function scrapePool(env: Env, pool: PoolConfig): Promise<Scraped> {
  try {
    const question = askPool(env, pool, (stub) => stub.metrics(), 0, PATIENCE_MS);
    return { pool: pool.name, metrics: await inTime(question, 2 * PATIENCE_MS) };
  } catch (error) {
    // An unreachable pool has been logged by then; one that is merely silent has not.
    if (!(error instanceof Refusal)) console.error(JSON.stringify({ pool: pool.name, error: String(error) }));
    return { pool: pool.name, metrics: null };
  }
}
