/**
 * The Worker under test with handles that production must not have: crash a pool's object, and make the pool
 * unreachable, for one request or until further notice. Everything else is src/index.ts.
 */
import sluice, { Pool as RealPool } from "../../src/index.ts";
import type { Env } from "../../src/pool/env.ts";

export class Pool extends RealPool {
  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}

const unreachable = new Set<string>();

export default {
  async fetch(request, env, ctx) {
    const crash = /^\/__test\/crash\/(.+)$/.exec(new URL(request.url).pathname);
    if (crash) {
      const stub = env.POOL.getByName(crash[1] as string) as unknown as { crash(): Promise<void> };
      // The call never returns: the object is gone.
      await stub.crash().catch(() => {});
      return new Response(null, { status: 204 });
    }
    const reach = /^\/__test\/unreachable\/(.+)$/.exec(new URL(request.url).pathname);
    if (reach) {
      if (request.method === "DELETE") unreachable.delete(reach[1] as string);
      else unreachable.add(reach[1] as string);
      return new Response(null, { status: 204 });
    }
    const fault = request.headers.get("x-test-pool");
    return sluice.fetch(request, withBrokenPools(env, fault), ctx);
  },
} satisfies ExportedHandler<Env>;

/** `overloaded`: the platform's own way to say so. Anything else: the object cannot be reached. */
function withBrokenPools(env: Env, fault: string | null): Env {
  const getByName: Env["POOL"]["getByName"] = (name, options) => {
    if (fault) return brokenStub(fault);
    return unreachable.has(name) ? brokenStub("unreachable") : env.POOL.getByName(name, options);
  };
  return { ...env, POOL: { getByName } as Env["POOL"] };
}

function brokenStub(fault: string): ReturnType<Env["POOL"]["getByName"]> {
  const fail = () =>
    Promise.reject(Object.assign(new Error(`the pool is ${fault}`), { overloaded: fault === "overloaded" }));
  return new Proxy({}, { get: () => fail }) as ReturnType<Env["POOL"]["getByName"]>;
}
