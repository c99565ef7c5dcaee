/**
 * The Worker under test with handles that production must not have: crash a pool's object, at once or when it is told of an
 * end, call it without a second try, make it unreachable, for one request or until further notice, let its answers to deferred
 * requests' objects come late or be held, reach the objects of another process, and act as a Worker that dies.
 * Everything else is src/index.ts.
 */
import sluice, { Deferred as RealDeferred, Pool as RealPool } from "../../src/index.ts";
import { deferredAddress } from "../../src/link/deferred-id.ts";
import type { Env } from "../../src/link/env.ts";
import { PROTOCOL } from "../../src/link/protocol.ts";
import { type CrashPlan, crashPlan, planCrash, watchWrites } from "./crash-at.ts";
import { type MaybeElsewhere, nameAgain, withObjectsElsewhere } from "./objects-elsewhere.ts";

export class Pool extends RealPool {
  constructor(ctx: DurableObjectState, env: Env) {
    nameAgain(ctx, env);
    watchWrites(ctx, "pool");
    super(ctx, withBrokenPools(env, null));
  }

  override enter(...given: Parameters<RealPool["enter"]>) {
    const [{ ended = [], passed = [] }] = given;
    return this.#told([...ended, ...passed], () => super.enter(...given));
  }

  override end(...given: Parameters<RealPool["end"]>) {
    const [ended, passing] = given;
    return this.#told([...ended, ...(passing?.passed ?? [])], () => super.end(...given));
  }

  crash(): void {
    this.ctx.abort("crashed by a test");
  }

  /** Slots change hands, or have: leases that have ended or were passed on. */
  #told<T>(handOvers: readonly unknown[], answer: () => T): T {
    const when = handOvers.length > 0 && handOverCrashes.get(this.ctx.id.name ?? "");
    if (!when) return answer();
    handOverCrashes.delete(this.ctx.id.name ?? "");
    if (when === "before") {
      this.crash();
      throw new Error("crashed by a test");
    }
    const answered = answer();
    this.crash();
    return answered;
  }
}

/** Pools whose objects crash when they are next told of an end, or that a lease was passed on: before they have noted it, or before anybody hears so. */
const handOverCrashes = new Map<string, "before" | "after">();
/** In which an end comes, where requests come at all, in ms. */
const HAND_OVER_WITHIN_MS = 500;

const unreachable = new Set<string>();

/** How often an object of a deferred request was woken. */
let awoken = 0;

export class Deferred extends RealDeferred {
  constructor(ctx: DurableObjectState, env: Env) {
    watchWrites(ctx, "deferred");
    super(ctx, withLateAnswers(withBrokenPools(env, null)));
    awoken++;
  }

  override async status(...given: Parameters<RealDeferred["status"]>) {
    const status = await super.status(...given);
    if (!status && acceptance === "held") acceptance = "told";
    return status;
  }

  crash(): void {
    this.ctx.abort("crashed by a test");
  }
}

/** How long the pools' answers to deferred requests' objects are on their way, in ms. */
let latencyMs = 0;
/** `to be held`: that of the next request. It is held until somebody looks for the request, and does not find it. */
let acceptance: "told" | "to be held" | "held" = "told";

export default {
  async fetch(request, given, ctx) {
    const env = withObjectsElsewhere(given);
    const crash = /^\/__test\/crash\/(.+)$/.exec(new URL(request.url).pathname);
    if (crash) {
      const stub = env.POOL.getByName(decodeURIComponent(crash[1] as string)) as unknown as {
        crash(): Promise<void>;
      };
      // The call never returns: the object is gone.
      await stub.crash().catch(() => {});
      return new Response(null, { status: 204 });
    }
    const handOver = /^\/__test\/crash-at-hand-over\/(.+)\/(before|after)$/.exec(
      new URL(request.url).pathname,
    );
    if (handOver)
      return crashAtHandOver(
        request.method,
        decodeURIComponent(handOver[1] as string),
        handOver[2] as "before" | "after",
      );
    const deferred = /^\/__test\/crash-deferred\/(.+)$/.exec(new URL(request.url).pathname);
    if (deferred) {
      const address = deferredAddress(env, deferred[1] as string);
      if (!address) return new Response(null, { status: 404 });
      const stub = env.DEFERRED.get(address.objectId) as unknown as { crash(): Promise<void> };
      await stub.crash().catch(() => {});
      return new Response(null, { status: 204 });
    }
    if (new URL(request.url).pathname === "/__test/awoken") return Response.json(awoken);
    const plan = /^\/__test\/crash-at\/(.+)$/.exec(new URL(request.url).pathname);
    if (plan && request.method === "PUT") planCrash(plan[1] as string, (await request.json()) as CrashPlan);
    if (plan) return Response.json(crashPlan(plan[1] as string) ?? null);
    const once = /^\/__test\/once\/(.+)$/.exec(new URL(request.url).pathname);
    if (once) return callOnce(env, once[1] as string, (await request.json()) as OneCall);
    const reach = /^\/__test\/unreachable\/(.+)$/.exec(new URL(request.url).pathname);
    if (reach) {
      const name = decodeURIComponent(reach[1] as string);
      if (request.method === "DELETE") unreachable.delete(name);
      else unreachable.add(name);
      return new Response(null, { status: 204 });
    }
    const late = /^\/__test\/late\/(\d+)$/.exec(new URL(request.url).pathname);
    if (late) {
      latencyMs = Number(late[1]);
      return new Response(null, { status: 204 });
    }
    if (new URL(request.url).pathname === "/__test/hold-acceptance") {
      acceptance = "to be held";
      return new Response(null, { status: 204 });
    }
    const holder = /^\/__test\/holder\/(.+)$/.exec(new URL(request.url).pathname);
    if (holder) return holdUntilDeath(env, holder[1] as string);
    const fault = request.headers.get("x-test-pool");
    return sluice.fetch(request, withBrokenPools(env, fault), ctx);
  },
} satisfies ExportedHandler<MaybeElsewhere>;

/** PUT plans it, and GET waits for it. 204: that is done; 404: no end has come, and the plan is no more. */
async function crashAtHandOver(method: string, pool: string, when: "before" | "after"): Promise<Response> {
  if (method === "PUT") handOverCrashes.set(pool, when);
  else
    for (let waitedMs = 0; waitedMs < HAND_OVER_WITHIN_MS && handOverCrashes.has(pool); waitedMs += 5)
      await scheduler.wait(5);
  const isInVain = method !== "PUT" && handOverCrashes.delete(pool);
  return new Response(null, { status: isInVain ? 404 : 204 });
}

interface OneCall {
  call: "drain" | "resume" | "changeServer";
  given: unknown[];
}

/** What the admin side would repeat; 500: the call failed. */
async function callOnce(env: Env, pool: string, { call, given }: OneCall): Promise<Response> {
  const stub = env.POOL.getByName(pool) as unknown as Record<
    string,
    (...given: unknown[]) => Promise<unknown>
  >;
  return (
    stub[call]?.(...given).then(Response.json, () => new Response(null, { status: 500 })) ?? Response.error()
  );
}

/** `overloaded`: the platform's own way to say so. Anything else: the object cannot be reached. */
function withBrokenPools(env: Env, fault: string | null): Env {
  const getByName: Env["POOL"]["getByName"] = (name, options) => {
    if (fault) return brokenStub(fault);
    return unreachable.has(name) ? brokenStub("unreachable") : env.POOL.getByName(name, options);
  };
  return { ...env, POOL: { getByName } as Env["POOL"] };
}

/** What the pool sends after an answer then overtakes it, as it may where pool and object are far from each other. */
function withLateAnswers(env: Env): Env {
  const getByName: Env["POOL"]["getByName"] = (name, options) => {
    const stub = env.POOL.getByName(name, options);
    if (latencyMs === 0 && acceptance !== "to be held") return stub;
    const answerLate =
      (call: keyof typeof stub) =>
      async (...given: unknown[]) => {
        const isHeld = call === "defer" && acceptance === "to be held";
        if (isHeld) acceptance = "held";
        const answer = await (stub[call] as unknown as (...given: unknown[]) => Promise<unknown>)(...given);
        await scheduler.wait(latencyMs);
        while (isHeld && acceptance === "held") await scheduler.wait(5);
        return answer;
      };
    return new Proxy({}, { get: (_, call) => answerLate(call as keyof typeof stub) }) as typeof stub;
  };
  return { ...env, POOL: { getByName } as Env["POOL"] };
}

function brokenStub(fault: string): ReturnType<Env["POOL"]["getByName"]> {
  const fail = () =>
    Promise.reject(Object.assign(new Error(`the pool is ${fault}`), { overloaded: fault === "overloaded" }));
  return new Proxy({}, { get: () => fail }) as ReturnType<Env["POOL"]["getByName"]>;
}

/**
 * Waits for a slot and keeps it, as a Worker does that has attached to its lease. It does not outlive its client
 * (`waitUntil`): the runtime ends it as it would a Worker that dies.
 */
async function holdUntilDeath(env: Env, pool: string): Promise<Response> {
  const id = crypto.randomUUID();
  const entered = await env.POOL.getByName(pool).enter({ protocol: PROTOCOL, id });
  if (!entered.granted && entered.code === "queued") await entered.ticket.turn();
  using lease = await env.POOL.getByName(pool).attach(id);
  await lease?.untilCut();
  return new Response(null, { status: 204 });
}
