import type { Pool } from "../pool/pool.ts";

/** The Worker's bindings, as wrangler.toml and `wrangler secret put` make them. */
export interface Env {
  POOL: DurableObjectNamespace<Pool>;
  POOLS?: unknown;
  ADMIN_TOKEN?: string;
  ADMIN_HOST?: string;
}
