import { targetOf } from "../carry/target.ts";
import { requestIdOf } from "../carry/trace.ts";
import { loadConfig } from "../config/load.ts";
import { isSameHost, servesPool } from "../config/route.ts";
import type { DeferredStatus } from "../link/deferred-calls.ts";
import { type DeferredAddress, deferredAddress, monitorUrl, REQUESTS_PATH } from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { logError } from "../link/log.ts";
import { Refusal } from "../refusals/refusal.ts";
import { OWN_HEADERS, prefersHtml, qualityOf, refusalResponse } from "../refusals/response.ts";
import { requestStatus, retryAfterS } from "./monitor.ts";
import { preferencesOf } from "./preferences.ts";
import { cancelRequest, reachDeferred, unreachable } from "./reach-deferred.ts";
import { statusEvents } from "./status-events.ts";
import { statusPage } from "./status-page.ts";
import { storedResponse } from "./stored-response.ts";
import { untilStateChanges } from "./wait.ts";

/** How often the page asks again while the request waits or runs, in seconds. */
const RELOAD_S = 2;

/** A request for the monitor of a deferred request. */
interface Call {
  env: Env;
  request: Request;
  address: DeferredAddress;
  /** The client's, with which URLs begin. */
  origin: string;
  host: string;
  /** See `CarriedRequest`. */
  inBackground: (work: Promise<unknown>) => void;
}

/**
 * Answers requests below `/_sluice/requests/`: status, answer, cancelling and forgetting of a deferred request. Its id
 * is all that a client needs for that, and the only thing. Never rejects.
 */
export async function requests(
  request: Request,
  env: Env,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<Response> {
  try {
    return await route(request, env, (work) => ctx.waitUntil(work));
  } catch (error) {
    const requestId = requestIdOf(request.headers);
    if (!(error instanceof Refusal)) logError(error, { requestId });
    return refusalResponse(error instanceof Refusal ? error : unreachable(), request, requestId);
  }
}

function route(request: Request, env: Env, inBackground: Call["inBackground"]): Promise<Response> {
  const { origin = "", host = "", path = "" } = targetOf(request) ?? {};
  const [id = "", view, ...more] = path.slice(REQUESTS_PATH.length).split("/");
  const address = deferredAddress(env, id);
  if (!address || more.length > 0 || (view !== undefined && view !== "response")) throw unknown();
  const call = { env, request, address, origin, host, inBackground };
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (isGet) return view === "response" ? answer(call) : monitor(call);
  if (request.method === "DELETE" && view === undefined) return cancel(call);
  return Promise.resolve(
    new Response(null, { status: 405, headers: { ...OWN_HEADERS, Allow: view ? "GET" : "GET, DELETE" } }),
  );
}

async function monitor(call: Call): Promise<Response> {
  const { request, origin, env, address, inBackground } = call;
  if (request.method === "GET" && qualityOf(request.headers.get("accept") ?? "", "text/event-stream") > 0)
    return statusEvents(env, address, request, origin, await statusOf(call), inBackground);
  const { waitMs } = preferencesOf(request.headers);
  const status = waitMs === null ? await statusOf(call) : await changedStatus(call, waitMs);
  const now = Date.now();
  const html = prefersHtml(request);
  const headers = headersFor(status, html ? "text/html; charset=utf-8" : "application/json");
  if (waitMs !== null) headers.set("Preference-Applied", `wait=${Math.round(waitMs / 1_000)}`);
  if (html && status.endedAt === null) headers.set("Refresh", String(RELOAD_S));
  const body = html ? statusPage(status, origin, now) : JSON.stringify(requestStatus(status, origin, now));
  return new Response(request.method === "HEAD" ? null : body, { headers });
}

/** The server's answer as it came; before there is one, 202; instead of one, the refusal that there is. */
async function answer(call: Call): Promise<Response> {
  const { env, address, request, origin } = call;
  const { waitMs } = preferencesOf(request.headers);
  const status = waitMs === null ? await statusOf(call) : await endedStatus(call, waitMs);
  if (status.state === "answered") {
    const response = await storedResponse(env, address);
    // It was given to a client that waited for it, or the request has been forgotten just now.
    if (!response) {
      const detail = "The answer was too large to store, and went to a client that waited for it.";
      throw new Refusal("response-too-large", detail);
    }
    if (!response.headers.has("expires"))
      response.headers.set("Expires", new Date(status.expiresAt).toUTCString());
    // Only the id protects it.
    if (!response.headers.has("cache-control")) response.headers.set("Cache-Control", "private, no-store");
    if (!isAtHost(env, status, call.host)) sandbox(response.headers);
    if (!response.headers.has("referrer-policy")) response.headers.set("Referrer-Policy", "no-referrer");
    return response;
  }
  if (status.problem) throw new Refusal(status.problem.code, status.problem.detail);
  if (status.state === "canceled") throw new Refusal("canceled", "It has no answer.");
  const headers = headersFor(status, "application/json");
  headers.set("Location", monitorUrl(origin, status.id));
  return new Response(JSON.stringify(requestStatus(status, origin, Date.now())), { status: 202, headers });
}

async function cancel({ env, address }: Call): Promise<Response> {
  const canceled = await cancelRequest(env, address);
  if (canceled === null) throw unknown();
  return new Response(null, { status: canceled === "stopping" ? 202 : 204, headers: OWN_HEADERS });
}

/** Resolves with the status, once its state has changed or after `waitMs`. */
async function changedStatus(call: Call, waitMs: number): Promise<DeferredStatus> {
  const first = await statusOf(call);
  return first.endedAt === null ? waitFor(call, first, waitMs, ({ state }) => state !== first.state) : first;
}

async function endedStatus(call: Call, waitMs: number): Promise<DeferredStatus> {
  return waitFor(call, await statusOf(call), waitMs, ({ endedAt }) => endedAt !== null);
}

async function waitFor(
  call: Call,
  first: DeferredStatus,
  waitMs: number,
  isDone: (status: DeferredStatus) => boolean,
): Promise<DeferredStatus> {
  const { env, address } = call;
  const until = Date.now() + waitMs;
  let status = first;
  while (!isDone(status) && (await untilStateChanges(env, address, status, until - Date.now())))
    status = await statusOf(call);
  // The place may be another one by now.
  return isDone(status) ? status : statusOf(call);
}

async function statusOf({ env, address }: Call): Promise<DeferredStatus> {
  const status = await reachDeferred(env, address, (stub) => stub.status(address.secret));
  if (!status) throw unknown();
  return status;
}

/** Lets an answer do nothing in the name of a host that is not its pool's: another server's, or the admin side's. */
function sandbox(headers: Headers): void {
  headers.append("Content-Security-Policy", "sandbox");
  headers.set("X-Content-Type-Options", "nosniff");
  for (const name of ["Set-Cookie", "Clear-Site-Data", "Service-Worker-Allowed"]) headers.delete(name);
}

/** True if the request's pool answers at this host too. */
function isAtHost(env: Env, { at }: DeferredStatus, host: string): boolean {
  if (isSameHost(host, at.host)) return true;
  const config = loadConfig(env);
  const pool = config.pools.get(at.pool);
  return pool !== undefined && servesPool(config, host, pool);
}

function headersFor(status: DeferredStatus, contentType: string): Headers {
  const headers = new Headers({
    ...OWN_HEADERS,
    "Content-Type": contentType,
    "Cache-Control": "no-store",
    // The address is a secret.
    "Referrer-Policy": "no-referrer",
    Vary: "Accept, Prefer",
  });
  const retryS = retryAfterS(status);
  if (retryS !== null) headers.set("Retry-After", String(retryS));
  return headers;
}

function unknown(): Refusal {
  return new Refusal("unknown-request", "There is no such request, or it was forgotten after its end.");
}
