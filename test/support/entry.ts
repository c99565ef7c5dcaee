/**
 * The Worker under test with two handles that production must not have: crash a pool's object, and make the
 * pool unreachable. Everything else is src/index.ts.
 */
import sluice, { Pool as RealPool } from "../../src/index.ts";
import type { Env } from "../../src/pool/env.ts";

export class Pool extends RealPool {
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}

export default {
  async fetch(request, env, ctx) {
    const crash = /^\/__test\/crash\/(.+)$/.exec(new URL(request.url).pathname);
    if (crash) {
      const stub = env.POOL.getByName(crash[1] as string) as unknown as { crash(): Promise<void> };
      // The call never returns: the object is gone.
      await stub.crash().catch(() => {});
      return new Response(null, { status: 204 });
    }
    const fault = request.headers.get("x-test-pool");
    return sluice.fetch(request, fault ? withBrokenPool(env, fault) : env, ctx);
  },
} satisfies ExportedHandler<Env>;

/** `overloaded`: the platform's own way to say so. Anything else: the object cannot be reached. */
function withBrokenPool(env: Env, fault: string): Env {
  const fail = () =>
    Promise.reject(Object.assign(new Error(`the pool is ${fault}`), { overloaded: fault === "overloaded" }));
  const stub = new Proxy({}, { get: () => fail });
  return { ...env, POOL: { getByName: () => stub } as unknown as Env["POOL"] };
}
