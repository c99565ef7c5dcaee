import type { AnswerTo, CarriedRequest } from "../carry/carried-request.ts";
import { carry } from "../carry/carry.ts";
import { isMemoryFull } from "../carry/memory.ts";
import { BrokenUpload, RequestBody } from "../carry/request-body.ts";
import { type RequestTarget, targetOf } from "../carry/target.ts";
import { type Outcome, requestIdOf, Trace } from "../carry/trace.ts";
import { checkHandshake } from "../carry/websocket/handshake.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/parse.ts";
import { poolFor } from "../config/route.ts";
import type { PoolConfig } from "../config/types.ts";
import { ClientLeft } from "../link/acquire.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { Refusal } from "../refusals/refusal.ts";
import { refusalResponse } from "../refusals/response.ts";

/**
 * Answers one request through its pool. The work outlives the answer and even the client (`waitUntil`): a slot
 * is given back only when its server is done.
 */
export function proxy(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const works: Promise<unknown>[] = [];
  const inBackground = (work: Promise<unknown>) => {
    works.push(work);
    ctx.waitUntil(work);
  };
  // A client's WebSocket can be ended without a Close frame only together with its whole invocation, and what that
  // still has to tell the pool (workerd 2026-11-17).
  const breakOff: AnswerTo["breakOff"] = (why, cannotWait) => {
    const allDone = Promise.allSettled(works);
    const mustEnd = Promise.all([served, cannotWait]);
    ctx.waitUntil(Promise.race([allDone, mustEnd]).then(() => ctx.abort(new Error(why))));
  };
  const served = serve(request, env, { respond: resolve, breakOff }, inBackground);
  inBackground(served);
  return promise;
}

/** Answers as soon as there is something to say (the first answer counts); resolves when nothing is left to do. */
async function serve(
  request: Request,
  env: Env,
  { respond: answer, breakOff }: Omit<AnswerTo, "refuse">,
  inBackground: CarriedRequest["inBackground"],
): Promise<void> {
  const client = request.signal;
  const target = targetOf(request);
  const trace = new Trace(requestIdOf(request.headers), request.method, target?.path ?? "");
  const respond = (response: Response) => {
    // What nobody reads any more has nginx's word for this in a log.
    trace.status ??= client.aborted ? 499 : response.status;
    answer(response);
  };
  const refuse = (error: unknown) => {
    const refusal = noteFailure(error, client, trace);
    respond(refusalResponse(refusal, request, trace.requestId));
  };
  let body: RequestBody | null = null;
  try {
    if (isMemoryFull()) throw new Refusal("busy", "There is no memory to hold the request. Try again later.");
    if (!target) throw new Refusal("invalid-request", "The request's Host cannot be one.");
    const pool = poolOf(env, target);
    trace.pool = pool.name;
    checkHandshake(request);
    body = await RequestBody.take(request, pool.bufferRequestBytes, pool.clientTimeoutMs);
    const to = { respond, refuse, breakOff };
    await carry(env, { pool, request, target, body, answer: to, client, trace, inBackground });
    if (trace.attempts > 1 && trace.outcome === "ok") trace.outcome = "retried";
  } catch (error) {
    refuse(error);
  } finally {
    body?.drop();
    console.log(trace.line());
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

function noteFailure(error: unknown, client: AbortSignal, trace: Trace): Refusal {
  const clientLeft = error instanceof ClientLeft || (client.aborted && !(error instanceof Refusal));
  if (clientLeft) trace.status ??= 499;
  else if (!(error instanceof Refusal)) logError(error, { requestId: trace.requestId });
  const refusal = asRefusal(error, clientLeft, trace);
  // After the headers it is too late to refuse: the client has their status, and a body that is cut off.
  if (trace.status === null) trace.code = refusal.code;
  trace.outcome = outcomeOf(refusal, trace);
  return refusal;
}

function asRefusal(error: unknown, clientLeft: boolean, trace: Trace): Refusal {
  if (error instanceof Refusal) return error;
  if (clientLeft) return new BrokenUpload(trace.pool);
  return new Refusal("bad-gateway", "The request could not be carried.", trace.pool);
}

/** A client that stops in the middle counts as gone. */
function outcomeOf(refusal: Refusal, { attempts }: Trace): Outcome {
  if (refusal instanceof BrokenUpload || refusal.code === "client-timeout") {
    return attempts > 0 ? "client-abort-in-flight" : "client-abort-queued";
  }
  if (refusal.code === "server-timeout") return "server-timeout";
  return refusal.code === "bad-gateway" ? "origin-error" : "refused";
}
