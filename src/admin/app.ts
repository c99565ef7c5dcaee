import { Hono } from "hono";
import { loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/parse.ts";
import { inspect } from "../config/problem.ts";
import type { PoolConfig } from "../config/types.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import type { DrainAnswer, OtherState } from "../link/protocol.ts";
import { OWN_HEADERS } from "../refusals/own-headers.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import { refusalResponse } from "../refusals/response.ts";
import type { Snapshot } from "../scheduler/snapshot.ts";
import { askEach, askPool, unavailable } from "./ask-pool.ts";
import { authenticate, refuseForged, refuseUnlessFound } from "./auth.ts";
import { drainBody, resumeBody, serverBody } from "./bodies.ts";
import { eventStream } from "./events/event-stream.ts";
import { jsonBody } from "./json-body.ts";
import { scrape } from "./metrics/scrape.ts";

/** A wait is asked for in pieces: the object is not told when its asker leaves, and stays awake for it. */
const LONGEST_QUESTION_MS = 30_000;

/** The admin side, under /_sluice/. */
const app = new Hono<{ Bindings: Env }>().basePath("/_sluice");

app.use(async (c, next) => {
  await next();
  for (const [name, value] of Object.entries({ ...OWN_HEADERS, "Cache-Control": "no-store" })) {
    if (!c.res.headers.has(name)) c.header(name, value);
  }
});

const routes = app
  .get("/healthz", (c) => c.json({ status: "ok" }))
  // Everything below needs the token: what is not listed above is closed.
  .use(authenticate, refuseForged, refuseUnlessFound)
  .get("/metrics", (c) => scrape(c.env, [...configOf(c.env).values()]))
  .get("/api/pools", async (c) => {
    const answers = await askEach(c.env, [...configOf(c.env).values()], (stub) => stub.snapshot());
    const pools = answers.flatMap(({ answer }) => answer ?? []);
    const unreachable = answers.flatMap(({ name, answer }) => (answer ? [] : [name]));
    if (pools.length === 0 && unreachable.length > 0) throw noneReached(unreachable);
    return c.json({ pools, unreachable });
  })
  .get("/api/pools/:pool", async (c) => {
    const pool = poolNamed(c.env, c.req.param("pool"));
    return c.json(await askPool(c.env, pool, (stub) => stub.snapshot()));
  })
  .get("/api/pools/:pool/events", (c) => eventStream(c.env, poolNamed(c.env, c.req.param("pool")), c.req.raw))
  .post("/api/pools/:pool/drain", jsonBody(drainBody), async (c) => {
    const pool = poolNamed(c.env, c.req.param("pool"));
    const { wait, expires, owner, reason, extend } = c.req.valid("json");
    const request = { owner, reason: reason ?? null, expiresMs: expires ?? null, extend };
    refuseIfHeld(await askPool(c.env, pool, (stub) => stub.drain(request)));
    const snapshot = await waitUntilDrained(c.env, pool, wait);
    return c.json(snapshot, snapshot.state === "drained" ? 200 : 202);
  })
  .post("/api/pools/:pool/resume", jsonBody(resumeBody), async (c) => {
    const pool = poolNamed(c.env, c.req.param("pool"));
    const { owner, force } = c.req.valid("json");
    return c.json(refuseIfHeld(await askPool(c.env, pool, (stub) => stub.resume(owner, force))));
  })
  .patch("/api/pools/:pool/servers/:server", jsonBody(serverBody), async (c) => {
    const pool = poolNamed(c.env, c.req.param("pool"));
    const server = c.req.param("server");
    const { ifState, ...patch } = c.req.valid("json");
    const answer = await askPool<Snapshot | OtherState | null>(c.env, pool, (stub) =>
      stub.changeServer(server, patch, ifState),
    );
    const changed = found(answer, "unknown-server", `The pool ${pool.name} has no server ${inspect(server)}.`);
    return c.json(refuseIfOther(changed, server, pool));
  })
  .delete("/api/pools/:pool/leases/:lease", async (c) => {
    const pool = poolNamed(c.env, c.req.param("pool"));
    const lease = c.req.param("lease");
    const snapshot = await askPool(c.env, pool, (stub) => stub.freeLease(lease));
    const missing = `The pool ${pool.name} has no lease ${inspect(lease)}; it may have ended.`;
    return c.json(found(snapshot, "unknown-lease", missing));
  });

app.notFound(() => {
  throw new Refusal("unknown-route", "The admin side has no such route, or not for this method.");
});

app.onError((error, c) => {
  const requestId = crypto.randomUUID();
  if (error instanceof DrainHeld) return refusalResponse(error, c.req.raw, requestId, { drain: error.by });
  if (!(error instanceof Refusal)) {
    logError(error, { requestId });
    const problem = { type: "about:blank", title: "Internal error", status: 500, instance: requestId };
    return c.json(problem, 500, {
      "Content-Type": "application/problem+json",
      "X-Request-Id": requestId,
    });
  }
  const response = refusalResponse(error, c.req.raw, requestId);
  if (error.code === "unauthorized")
    response.headers.set("WWW-Authenticate", 'Basic realm="Sluice", charset="UTF-8"');
  return response;
});

/** For a typed client (`hono/client`). */
export type AdminApi = typeof routes;
export const admin = app;

class DrainHeld extends Refusal {
  readonly by: Snapshot["drain"];

  constructor({ name, drain }: Snapshot) {
    const reason = drain?.reason ? ` (${drain.reason})` : "";
    super(
      "drain-held",
      `"${drain?.owner}"${reason} drains this pool since ${drain?.since}, until ${drain?.expiresAt}.`,
      name,
    );
    this.by = drain;
  }
}

function refuseIfHeld({ held, snapshot }: DrainAnswer): Snapshot {
  if (held) throw new DrainHeld(snapshot);
  return snapshot;
}

function refuseIfOther(answer: Snapshot | OtherState, server: string, { name }: PoolConfig): Snapshot {
  if (!("otherState" in answer)) return answer;
  throw new Refusal("state-changed", `The server ${server} is in state "${answer.otherState}".`, name);
}

/** Through restarts of the object too: the flag is durable, and the next instance is asked for what is left. */
async function waitUntilDrained(env: Env, pool: PoolConfig, waitMs: number): Promise<Snapshot> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const until = Math.min(deadline, Date.now() + LONGEST_QUESTION_MS);
    const leftMs = () => Math.max(0, until - Date.now());
    const snapshot = await askPool(env, pool, (stub) => stub.whenDrained(leftMs()), LONGEST_QUESTION_MS);
    if (snapshot.state !== "draining" || until === deadline) return snapshot;
  }
}

function found<T>(value: T | null, code: RefusalCode, detail: string): T {
  if (value === null) throw new Refusal(code, detail);
  return value;
}

function noneReached([first = "", ...others]: string[]): Refusal {
  if (others.length === 0) return unavailable(first);
  return new Refusal("pool-unavailable", `None of the ${others.length + 1} pools answers at the moment.`);
}

function configOf(env: Env): ReadonlyMap<string, PoolConfig> {
  try {
    return loadConfig(env).pools;
  } catch (error) {
    if (error instanceof ConfigError) throw new Refusal("misconfigured", error.message);
    throw error;
  }
}

function poolNamed(env: Env, name: string): PoolConfig {
  return found(configOf(env).get(name) ?? null, "unknown-pool", `No pool ${inspect(name)} is configured.`);
}
