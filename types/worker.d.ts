/**
 * The Worker, for a wrangler.toml whose `main` is a module of your own:
 *
 *     export { default, Pool, Deferred } from "sluice-queue";
 *
 * The types of the platform are those of your project: `@cloudflare/workers-types`, or what `wrangler types` writes.
 */
import { DurableObject } from "cloudflare:workers";

/** The bindings that the Worker needs, as wrangler.toml and `wrangler secret put` define them. */
export interface Env {
  POOL: DurableObjectNamespace;
  /** Needed by pools with `deferred`. */
  DEFERRED?: DurableObjectNamespace;
  /** The tables `[vars.POOLS.<name>]`. */
  POOLS?: unknown;
  ADMIN_TOKEN?: string;
  ADMIN_HOST?: string;
  WEBHOOK_SECRET?: string;
}

declare const worker: {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response>;
};
export default worker;

/** One object a pool of servers: who waits, and who has which slot. */
export class Pool extends DurableObject<Env> {}

/** One object a deferred request. */
export class Deferred extends DurableObject<Env> {}
