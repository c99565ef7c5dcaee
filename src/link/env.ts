import type { DeferredCalls } from "./deferred-calls.ts";
import type { PoolCalls } from "./protocol.ts";

/** The Worker's bindings, as wrangler.toml and `wrangler secret put` define them. */
export interface Env {
  POOL: DurableObjectNamespace<PoolCalls>;
  DEFERRED: DurableObjectNamespace<DeferredCalls>;
  /** And `POOLS_2` … where one would be too large (config/variables.ts). */
  POOLS?: unknown;
  ADMIN_TOKEN?: string;
  /** Tokens by name (config/admin-tokens.ts), and people whom Cloudflare Access signs in (config/access.ts). */
  ADMIN_TOKENS?: unknown;
  ACCESS?: unknown;
  ADMIN_HOST?: string;
  WEBHOOK_SECRET?: string;
}
