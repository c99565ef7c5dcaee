import type { CarriedRequest, Responder } from "../carry/carried-request.ts";
import { carry } from "../carry/carry.ts";
import { noteOrder } from "../carry/flow.ts";
import { carryFree, isFree } from "../carry/free.ts";
import { isMemoryFull } from "../carry/memory.ts";
import { BrokenUpload } from "../carry/paced-reader.ts";
import { RequestBody } from "../carry/request-body.ts";
import { type RequestTarget, targetOf } from "../carry/target.ts";
import { type Outcome, requestIdOf, Trace } from "../carry/trace.ts";
import { checkHandshake } from "../carry/websocket/handshake.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/parse.ts";
import { poolFor } from "../config/route.ts";
import type { PoolConfig } from "../config/types.ts";
import { ClientLeft, ToBeDeferred } from "../link/acquire.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { poolRefusalResponse } from "../refusals/own-body.ts";
import { Refusal } from "../refusals/refusal.ts";
import { patienceOf } from "../requests/preferences.ts";
import { defer, deferralOf } from "./defer.ts";
import { isVisit } from "./visit.ts";
import { WaitingRoom } from "./waiting-room.ts";

/**
 * Answers one request through its pool. The work outlives the answer and even the client (`waitUntil`), because a slot
 * is released only when its server is done. Never rejects: failures are answered by refusals.
 */
export function proxy(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const background: Promise<unknown>[] = [];
  const inBackground = (work: Promise<unknown>) => {
    background.push(work);
    ctx.waitUntil(work);
  };
  // A client's WebSocket can be ended without a Close frame only by ending its whole invocation, which drops messages
  // to the pool that are still under way (workerd 2026-11-17).
  const breakOff: Responder["breakOff"] = (why, cannotWait) => {
    const allDone = Promise.allSettled(background);
    const mustEnd = Promise.all([served, cannotWait]);
    ctx.waitUntil(Promise.race([allDone, mustEnd]).then(() => ctx.abort(new Error(why))));
  };
  const served = serve(request, env, { respond: resolve, breakOff }, inBackground);
  inBackground(served);
  return promise;
}

/** Answers as soon as it can, and only once. Resolves when the request is over and logged. Never rejects. */
async function serve(
  request: Request,
  env: Env,
  { respond: sendToClient, breakOff }: Omit<Responder, "refuse">,
  inBackground: CarriedRequest["inBackground"],
): Promise<void> {
  const client = request.signal;
  const target = targetOf(request);
  const trace = new Trace(requestIdOf(request.headers), request.method, target?.path ?? "");
  let pool: PoolConfig | null = null;
  /** Of a browser's navigation that may wait on a page. */
  let room: WaitingRoom | null = null;
  const respond = (response: Response) => {
    room?.mark(response);
    // 499 is nginx's status for a client that closed the connection before it was answered.
    trace.status ??= client.aborted ? 499 : response.status;
    sendToClient(response);
  };
  const refuse = (error: unknown) => {
    const refusal = noteFailure(error, client, trace);
    respond(poolRefusalResponse(env, pool?.pages ?? {}, refusal, request, trace.requestId));
  };
  let body: RequestBody | null = null;
  try {
    if (isMemoryFull()) throw new Refusal("busy", "There is no memory to hold the request. Try again later.");
    if (!target) throw new Refusal("invalid-request", "The request's Host cannot be one.");
    pool = poolOf(env, target);
    trace.observe(pool, request.headers);
    await noteOrder(trace, pool, request, target);
    checkHandshake(request);
    body = await RequestBody.buffer(request, pool.bufferRequestBytes, pool.clientTimeoutMs);
    const responder = { respond, refuse, breakOff };
    const carried = { env, pool, request, target, body, responder, client, trace, inBackground };
    const patienceMs = patienceOf(request.headers);
    const isCarried = isFree(pool, request, target) && (await carryFree(carried));
    if (!isCarried) {
      const deferral = deferralOf(request, pool);
      if (deferral?.when !== "now" && isVisit(request, pool)) room = await WaitingRoom.of(carried);
      const answer = await inTurn(
        { ...carried, ...(patienceMs === null ? {} : { patienceMs }) },
        deferral,
        room,
      );
      if (answer) respond(answer);
    }
    if (trace.attempts > 1 && trace.outcome === "ok") trace.outcome = "retried";
  } catch (error) {
    refuse(error);
  } finally {
    body?.drop();
    console.log(trace.line());
  }
}

/** Resolves with the answer; with `null` if `carry` has given it, as it came. */
async function inTurn(
  carried: Omit<CarriedRequest, "body"> & { body: RequestBody },
  deferral: ReturnType<typeof deferralOf>,
  room: WaitingRoom | null,
): Promise<Response | null> {
  const { env, trace } = carried;
  if (deferral?.when === "now") return defer(env, carried, deferral.waitMs);
  const answer = await room?.back();
  if (answer) return answer;
  const mayDefer = deferral?.when === "if-stopped";
  const toBeStored = await carryUnlessDeferred({
    ...carried,
    mayDefer,
    ...(room ? { deferAfterMs: room.afterMs } : {}),
  });
  if (!toBeStored) return null;
  if (!room) return defer(env, carried, deferral?.waitMs ?? 0);
  const { token, shard } = toBeStored;
  const page = await room.enter(token);
  // It could not be stored.
  if (!page)
    await carry(token === null ? carried : { ...carried, waited: { token, shard, ms: trace.queueMs } });
  return page;
}

/** `null`: it is carried. */
async function carryUnlessDeferred(carried: CarriedRequest): Promise<ToBeDeferred | null> {
  try {
    await carry(carried);
    return null;
  } catch (error) {
    if (error instanceof ToBeDeferred) return error;
    throw error;
  }
}

function poolOf(env: Env, target: RequestTarget): PoolConfig {
  let pool: PoolConfig | undefined;
  try {
    pool = poolFor(loadConfig(env), target.host, target.path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    logError(error, { code: "misconfigured", problems: error.problems });
    throw new Refusal("misconfigured", "The operator finds the details in the log and on the admin side.");
  }
  if (!pool) throw new Refusal("no-pool", "No pool is configured for this host and path.");
  return pool;
}

/** Logs and traces a failure; returns the refusal that says it to the client. */
function noteFailure(error: unknown, client: AbortSignal, trace: Trace): Refusal {
  const clientLeft = error instanceof ClientLeft || (client.aborted && !(error instanceof Refusal));
  if (clientLeft) trace.status ??= 499;
  else if (!(error instanceof Refusal)) logError(error, { requestId: trace.requestId });
  const refusal = asRefusal(error, clientLeft, trace);
  // After the headers it is too late to refuse: the client has got a status, and its body breaks off.
  if (trace.status === null) trace.code = refusal.code;
  trace.outcome = outcomeOf(refusal, trace);
  return refusal;
}

function asRefusal(error: unknown, clientLeft: boolean, trace: Trace): Refusal {
  if (error instanceof Refusal) return error;
  if (clientLeft) return new BrokenUpload(trace.pool);
  return new Refusal("bad-gateway", "The request could not be carried.", trace.pool);
}

/** A client whose upload breaks off or stalls counts as one that disconnected. */
function outcomeOf(refusal: Refusal, { attempts }: Trace): Outcome {
  if (refusal instanceof BrokenUpload || refusal.code === "client-timeout") {
    return attempts > 0 ? "client-abort-in-flight" : "client-abort-queued";
  }
  if (refusal.code === "server-timeout" || refusal.code === "cut-off") return refusal.code;
  return refusal.code === "bad-gateway" ? "origin-error" : "refused";
}
