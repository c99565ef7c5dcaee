/// <reference path="./text.d.ts" />
import { type Context, Hono } from "hono";
import { loadConfig } from "../config/load.ts";
import { isName, NAME_ALLOWED } from "../config/names.ts";
import { ConfigError } from "../config/parse.ts";
import { inspect } from "../config/problem.ts";
import type { PoolConfig } from "../config/types.ts";
import {
  drainAsked,
  registrationAsked,
  removalAsked,
  resumeAsked,
  serverAsked,
  slotAsked,
  stopAsked,
} from "../link/asked.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import type { DrainAnswer, Leaving, NotRegistered, OtherState, Registered } from "../link/protocol.ts";
import type { PoolStub } from "../link/reach.ts";
import { Refusal, type RefusalCode } from "../refusals/refusal.ts";
import { OWN_HEADERS, refusalResponse } from "../refusals/response.ts";
import { LONGEST_UNCERTAIN_MS } from "../scheduler/fleet/leases.ts";
import type { Snapshot } from "../scheduler/snapshot.ts";
import { actOf, logged, loggedOfDeferred } from "./acts.ts";
import { askEach, askPool, unavailable } from "./ask-pool.ts";
import { listAudit } from "./audit.ts";
import { drainBody, jsonBody, registrationBody, resumeBody, serverBody, stopBody } from "./bodies.ts";
import { cancelDeferred, listDeferred, retryDeferred } from "./deferred.ts";
import { eventStream } from "./events/event-stream.ts";
import { CONTENT_TYPE, exposition } from "./metrics/exposition.ts";
import { familiesOf } from "./metrics/families.ts";
// Made of the routes below by `npm run build:openapi`. By the import attribute, which esbuild honours.
import openApi from "./openapi.text" with { type: "text" };
import { isForAllPools, may, meOf } from "./operator.ts";
import { auditQuery, cancelQuery, deferredQuery, query, removalQuery } from "./query.ts";
import { demand, Forbidden, needs } from "./rights.ts";
import type { AdminEnv } from "./sign-in/admin-env.ts";
import { refuseForged } from "./sign-in/forged.ts";
import { signInPage } from "./sign-in/page.ts";
import { authenticate, refuseBadHost, Unauthorized } from "./sign-in/sign-in.ts";

/**
 * Longest wait of one call, in ms; a longer wait takes several. The object cannot tell that the client has left, and
 * stays awake until the call ends.
 */
const LONGEST_CALL_MS = 30_000;

const ERROR_ELSEWHERE = "Operators with a right for all pools find the details here, and others in the log.";

const app = new Hono<AdminEnv>().basePath("/_sluice");

app.use(async (c, next) => {
  await next();
  for (const [name, value] of Object.entries({ ...OWN_HEADERS, "Cache-Control": "no-store" })) {
    if (!c.res.headers.has(name)) c.header(name, value);
  }
});

// For who forgets the slash. The query is left out; no browser keeps the redirect, as ADMIN_HOST may change.
app.all("/", (c) => c.redirect("/_sluice/", 308));

const routes = app
  .get("/healthz", (c) => c.json({ status: "ok" }))
  // Every route below needs somebody who has signed in, and says by `needs` which right they need.
  .use(authenticate, refuseForged, refuseBadHost)
  .get("/metrics", needs("look"), async (c) => {
    const answers = await askEach(c.env, poolsFor(c), (stub) => stub.metrics());
    const scrapes = answers.map(({ name, answer }) => ({ pool: name, metrics: answer }));
    const text = exposition(familiesOf(scrapes, Date.now()));
    return new Response(text, { headers: { "Content-Type": CONTENT_TYPE } });
  })
  .get("/api/openapi.json", needs("look"), (c) =>
    c.body(openApi, 200, { "Content-Type": "application/json" }),
  )
  // Whoever has signed in may know what they may do.
  .get("/api/me", (c) => c.json(meOf(c.get("operator"), [...configOf(c).keys()])))
  .get("/api/audit", needs("look"), query(auditQuery), async (c) => {
    const { pool, limit, before = null } = c.req.valid("query");
    if (pool !== undefined) demand(c, "look", pool);
    const pools = pool === undefined ? poolsFor(c) : [poolNamed(c, pool)];
    const list = await listAudit(c.env, pools, { limit, before });
    if (pools.length > 0 && list.unreachable.length === pools.length) throw noneReachable(list.unreachable);
    return c.json(list);
  })
  .get("/api/pools", needs("look"), async (c) => {
    const answers = await askEach(c.env, poolsFor(c), (stub) => stub.snapshot());
    const pools = answers.flatMap(({ answer }) => answer ?? []);
    const unreachable = answers.flatMap(({ name, answer }) => (answer ? [] : [name]));
    if (pools.length === 0 && unreachable.length > 0) throw noneReachable(unreachable);
    return c.json({ pools, unreachable });
  })
  .get("/api/pools/:pool", needs("look"), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    return c.json(await askPool(c.env, pool, (stub) => stub.snapshot()));
  })
  .get("/api/pools/:pool/events", needs("look"), (c) =>
    eventStream(c.env, poolNamed(c, c.req.param("pool")), c.req.raw),
  )
  .post("/api/pools/:pool/drain", needs("drain"), jsonBody(drainBody), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const act = actOf(c);
    const { wait, expires, owner = act.by, reason, extend, cut } = c.req.valid("json");
    demandForCut(c, cut, pool);
    const request = { owner, reason: reason ?? null, expiresMs: expires ?? null, cutMs: cut, extend };
    const change = { pool, asked: drainAsked(request), act };
    const draining = askPool(c.env, pool, (stub) => stub.drain(request, act));
    snapshotUnlessHeld(await logged(c, change, draining, ({ answer }) => answer));
    const snapshot = await waitUntilDrained(c.env, pool, wait);
    return c.json(snapshot, isDrained(snapshot) ? 200 : 202);
  })
  .post("/api/pools/:pool/stop", needs("drain"), jsonBody(stopBody), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const act = actOf(c);
    const { wait, expires, owner = act.by, message, cut } = c.req.valid("json");
    demandForCut(c, cut, pool);
    const request = { owner, message: message ?? null, expiresMs: expires ?? null, cutMs: cut };
    const change = { pool, asked: stopAsked(request), act };
    const stopping = askPool(c.env, pool, (stub) => stub.stop(request, act));
    snapshotUnlessHeld(await logged(c, change, stopping, ({ answer }) => answer));
    const snapshot = await waitUntilDrained(c.env, pool, wait);
    return c.json(snapshot, isDrained(snapshot) ? 200 : 202);
  })
  .post("/api/pools/:pool/resume", needs("drain"), jsonBody(resumeBody), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const act = actOf(c);
    const { owner = act.by, force: isForced } = c.req.valid("json");
    const operator = c.get("operator");
    // Another drain of one's own takes the flag, somebody else's the right too.
    const mayForce = may(operator, "force", pool.name);
    const force = isForced ? (mayForce ? "any" : "own") : "no";
    const request = { owner, force } as const;
    const change = { pool, asked: resumeAsked(request), act };
    const resuming = askPool(c.env, pool, (stub) => stub.resume(request, act));
    const resumed = await logged(c, change, resuming, ({ answer }) => answer);
    if (resumed.answer === "forbidden") throw new Forbidden(operator, "force", pool.name);
    return c.json(snapshotUnlessHeld(resumed));
  })
  .patch("/api/pools/:pool/servers/:server", needs("servers"), jsonBody(serverBody), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const server = c.req.param("server");
    const { ifState, ...patch } = c.req.valid("json");
    demandForCut(c, patch.cut, pool);
    const act = actOf(c);
    const request = { patch, ifState };
    const change = { pool, asked: serverAsked(server, request), act };
    const changing = askPool<Snapshot | OtherState | null>(c.env, pool, (stub) =>
      stub.changeServer(server, request, act),
    );
    const answerOf = (to: Snapshot | OtherState | null) =>
      to === null ? "unknown-server" : "otherState" in to ? "state-changed" : "done";
    const result = orRefuse(
      await logged(c, change, changing, answerOf),
      "unknown-server",
      `The pool ${pool.name} has no server ${inspect(server)}.`,
    );
    return c.json(snapshotUnlessOther(result, server, pool));
  })
  .put("/api/pools/:pool/servers/:server", needs("register"), jsonBody(registrationBody), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const name = serverNamed(c.req.param("server"));
    const { url, slots = null, weight, backup, expires = null, renew } = c.req.valid("json");
    const registration = { name, url, slots, weight, backup, expiresMs: expires, renews: renew };
    const act = actOf(c);
    const change = { pool, asked: registrationAsked(registration), act };
    const registering = askPool<Registered | NotRegistered>(c.env, pool, (stub) =>
      stub.register(registration, act),
    );
    const result = await logged(c, change, registering, (to) =>
      "refused" in to ? to.refused : to.answer === "renewed" ? null : "done",
    );
    if ("refused" in result) throw new Refusal(result.refused, result.because, pool.name);
    return c.json(result.server, result.answer === "new" ? 201 : 200);
  })
  .delete("/api/pools/:pool/servers/:server", needs("register"), query(removalQuery), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const name = c.req.param("server");
    const { wait, url = null } = c.req.valid("query");
    const act = actOf(c);
    const change = { pool, asked: removalAsked(name, url), act };
    const removing = askPool<Leaving | null>(c.env, pool, (stub) => stub.deregister(name, url, act));
    const left = await logged(c, change, removing, (leaving) => (leaving ? "done" : "unknown-server"));
    const at = url === null ? "" : ` at ${url}`;
    const detail = `No server ${inspect(name)}${at} has registered with the pool ${pool.name}.`;
    const inFlight = await waitUntilIdle(c.env, pool, orRefuse(left, "unknown-server", detail), wait);
    return c.json({ name, inFlight }, inFlight === 0 ? 200 : 202);
  })
  .delete("/api/pools/:pool/leases/:lease", needs("slots"), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const lease = c.req.param("lease");
    const act = actOf(c);
    const change = { pool, asked: slotAsked(lease), act };
    const askedAt = Date.now();
    const free = (stub: PoolStub) => stub.freeLease(lease, act, Date.now() - askedAt);
    const freeing = askPool(c.env, pool, free, LONGEST_UNCERTAIN_MS);
    const snapshot = await logged(c, change, freeing, (freed) => (freed ? "done" : "unknown-lease"));
    const detail = `The pool ${pool.name} has no lease ${inspect(lease)}: it may have ended, or have another name by now.`;
    return c.json(orRefuse(snapshot, "unknown-lease", detail));
  })
  .get("/api/pools/:pool/deferred", needs("look"), query(deferredQuery), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const { state = null, limit, after } = c.req.valid("query");
    const mayAct = may(c.get("operator"), "deferred", pool.name);
    return c.json(await listDeferred(c.env, pool, { state, limit, after }, mayAct));
  })
  .delete("/api/pools/:pool/deferred/:id", needs("deferred"), query(cancelQuery), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const id = c.req.param("id");
    const forget = c.req.valid("query").forget !== "false";
    const asked = { act: "cancel-deferred", ...(forget ? { forget } : {}) } as const;
    const change = { pool, asked, act: actOf(c) };
    const done = await loggedOfDeferred(c, change, id, () => cancelDeferred(c.env, pool, id, forget));
    return done === "stopping" ? c.json({ id, state: "running" as const }, 202) : c.body(null, 204);
  })
  .post("/api/pools/:pool/deferred/:id/retry", needs("deferred"), async (c) => {
    const pool = poolNamed(c, c.req.param("pool"));
    const id = c.req.param("id");
    const asked = { act: "retry-deferred" } as const;
    const change = { pool, asked, act: actOf(c) };
    return c.json(await loggedOfDeferred(c, change, id, () => retryDeferred(c.env, pool, id)), 202);
  });

app.notFound(() => {
  throw new Refusal("unknown-route", "The admin side has no such route, or not for this method.");
});

app.onError((error, c) => {
  const requestId = crypto.randomUUID();
  if (error instanceof DrainHeld) return refusalResponse(error, c.req.raw, requestId, { drain: error.drain });
  if (error instanceof Forbidden) return refusalResponse(error, c.req.raw, requestId, { right: error.right });
  if (!(error instanceof Refusal)) {
    logError(error, { requestId });
    const problem = { type: "about:blank", title: "Internal error", status: 500, instance: requestId };
    return c.json(problem, 500, {
      "Content-Type": "application/problem+json",
      "X-Request-Id": requestId,
    });
  }
  if (!(error instanceof Unauthorized)) return refusalResponse(error, c.req.raw, requestId);
  const response = refusalResponse(error, c.req.raw, requestId, {}, signInPage(error.challenge));
  response.headers.set("WWW-Authenticate", error.challenge);
  return response;
});

/** The types of all routes, from which the command line derives its client (`hono/client`). */
export type AdminApi = typeof routes;
export const admin = app;

class DrainHeld extends Refusal {
  readonly drain: Snapshot["drain"];

  constructor({ name, drain }: Snapshot) {
    super("drain-held", drain ? heldBy(drain) : "Another drain was on, and has ended meanwhile.", name);
    this.drain = drain;
  }
}

function heldBy({ owner, by, reason, since, expiresAt, stop }: NonNullable<Snapshot["drain"]>): string {
  const why = reason ? ` (${reason})` : "";
  const begun = by === owner ? "" : `, begun by "${by}",`;
  return `"${owner}"${why}${begun} ${stop ? "has stopped" : "drains"} this pool since ${since}, until ${expiresAt}.`;
}

function snapshotUnlessHeld({ answer, snapshot }: DrainAnswer): Snapshot {
  if (answer === "drain-held") throw new DrainHeld(snapshot);
  return snapshot;
}

function snapshotUnlessOther(answer: Snapshot | OtherState, server: string, { name }: PoolConfig): Snapshot {
  if (!("otherState" in answer)) return answer;
  throw new Refusal("state-changed", `The server ${server} is in state "${answer.otherState}".`, name);
}

/** Waits through restarts of the object too: the drain is durable, and the next call reaches the next instance. */
async function waitUntilDrained(env: Env, pool: PoolConfig, waitMs: number): Promise<Snapshot> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const until = Math.min(deadline, Date.now() + LONGEST_CALL_MS);
    const leftMs = () => Math.max(0, until - Date.now());
    const snapshot = await askPool(env, pool, (stub) => stub.whenDrained(leftMs()), leftMs());
    if (isDrained(snapshot) || snapshot.state === "running" || until === deadline) return snapshot;
  }
}

/** The same for a server that leaves: returns how many slots are in flight. */
async function waitUntilIdle(
  env: Env,
  pool: PoolConfig,
  { identity, inFlight: atFirst }: Leaving,
  waitMs: number,
): Promise<number> {
  const deadline = Date.now() + waitMs;
  let inFlight = atFirst;
  while (identity !== null && inFlight > 0 && Date.now() < deadline) {
    const until = Math.min(deadline, Date.now() + LONGEST_CALL_MS);
    const leftMs = () => Math.max(0, until - Date.now());
    inFlight = await askPool(env, pool, (stub) => stub.whenIdle(identity, leftMs()), leftMs());
  }
  return inFlight;
}

function serverNamed(name: string): string {
  if (isName(name)) return name;
  const text = `${inspect(name)} is not a server name; allowed: ${NAME_ALLOWED}`;
  throw new Refusal("invalid-request", `path.server: ${text}`);
}

function isDrained({ state }: Snapshot): boolean {
  return state === "drained" || state === "stopped";
}

/** To cut a request off takes the right to free its slot. */
function demandForCut(c: Context<AdminEnv>, cut: number | undefined, { name }: PoolConfig): void {
  if (cut !== undefined) demand(c, "slots", name);
}

function orRefuse<T>(value: T | null, code: RefusalCode, detail: string): T {
  if (value === null) throw new Refusal(code, detail);
  return value;
}

function noneReachable([first = "", ...others]: string[]): Refusal {
  if (others.length === 0) return unavailable(first);
  return new Refusal("pool-unavailable", `None of the ${others.length + 1} pools answers at the moment.`);
}

/** The pools that the operator may look at. */
function poolsFor(c: Context<AdminEnv>): PoolConfig[] {
  return [...configOf(c).values()].filter(({ name }) => may(c.get("operator"), "look", name));
}

function configOf(c: Context<AdminEnv>): ReadonlyMap<string, PoolConfig> {
  try {
    return loadConfig(c.env).pools;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // The error may be another pool's, with its name and its servers.
    throw new Refusal("misconfigured", isForAllPools(c.get("operator")) ? error.message : ERROR_ELSEWHERE);
  }
}

function poolNamed(c: Context<AdminEnv>, name: string): PoolConfig {
  return orRefuse(configOf(c).get(name) ?? null, "unknown-pool", `No pool ${inspect(name)} is configured.`);
}
