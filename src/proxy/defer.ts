import { Backlog, concat } from "../carry/backlog.ts";
import type { CarriedRequest } from "../carry/carried-request.ts";
import { MemoryShare } from "../carry/memory.ts";
import type { RequestBody } from "../carry/request-body.ts";
import type { Trace } from "../carry/trace.ts";
import { setTraceContext } from "../carry/trace-context.ts";
import type { DeferredConfig, PoolConfig } from "../config/types.ts";
import { DETAILS } from "../link/acquire.ts";
import {
  type Accepted,
  type DeferredStatus,
  type LiveAnswer,
  POOL_PATIENCE_MS,
  ROW_BYTES,
  type StoredRequest,
} from "../link/deferred-calls.ts";
import {
  type DeferredAddress,
  type DeferredStub,
  deferredAddress,
  deferredStub,
  newDeferredAddress,
} from "../link/deferred-id.ts";
import type { Env } from "../link/env.ts";
import { backoffMs } from "../link/reach.ts";
import { webhookKey } from "../link/webhook-key.ts";
import { Refusal } from "../refusals/refusal.ts";
import { acceptedResponse } from "../requests/accepted.ts";
import { otherPreferences, preferencesOf } from "../requests/preferences.ts";
import { reachDeferred } from "../requests/reach-deferred.ts";
import { liveResponse, storedResponse } from "../requests/stored-response.ts";

const WEBHOOK_HEADER = "sluice-webhook";
/** Without room in the isolate's memory, rows are this short, in bytes. */
const SHORT_ROW_BYTES = 64 * 1024;
/** An earlier request with the same key is on the pool's list, and its object hears of that within this time, in ms. */
const NAMESAKE_MS = 10_000;
/** Longest wait of one call, in ms: the object cannot tell that the client has left, and stays awake meanwhile. */
const LONGEST_CALL_MS = 10_000;

/**
 * Whether a request is to be stored: `now`; `if-stopped`, if it would have to wait for an operator or a server;
 * `null`, never.
 */
export function deferralOf(
  request: Request,
  { deferred: config }: PoolConfig,
): { when: "now" | "if-stopped"; waitMs: number } | null {
  if (!config || request.headers.has("upgrade")) return null;
  // The body of a GET or HEAD can only be sent together with its `Request` (workerd 2026-11-17), which nobody can store.
  if (request.body && (request.method === "GET" || request.method === "HEAD")) return null;
  const { respondAsync, waitMs } = preferencesOf(request.headers);
  const isOfMethods = config.methods.includes(request.method);
  if (respondAsync || (config.when === "always" && isOfMethods)) return { when: "now", waitMs: waitMs ?? 0 };
  return config.when === "drained" && isOfMethods ? { when: "if-stopped", waitMs: waitMs ?? 0 } : null;
}

/**
 * Stores a request, and answers 202 once that is durable; or with the server's answer, if that is complete while the
 * client would wait for it. Rejects with a `Refusal`, or with `ClientLeft` if the client leaves before.
 */
export async function defer(
  env: Env,
  carried: Pick<CarriedRequest, "pool" | "request" | "target" | "client" | "trace"> & { body: RequestBody },
  waitMs: number,
): Promise<Response> {
  const { pool, request, target, trace } = carried;
  const config = pool.deferred as DeferredConfig;
  const webhook = webhookOf(env, request.headers, config, pool.name);
  const { length } = carried.body;
  if (length !== null && length > config.maxBodyBytes) throw tooLarge(pool);
  const address = newDeferredAddress(env);
  const stored: StoredRequest = {
    secret: address.secret,
    pool: pool.name,
    requestId: trace.requestId,
    method: request.method,
    target,
    headers: headersOf(request.headers, trace),
    expiresMs: config.expiresMs,
    keepMs: config.keepMs,
    mostAnswerBytes: config.maxResponseBytes,
    key: await keyOf(request, target.pathAndQuery),
    webhook,
  };
  const accepted = await store(env, carried, address, stored);
  trace.isDeferred = true;
  trace.outcome = "deferred";
  const { present, status } = await statusOf(env, accepted, address, pool);
  if (waitMs > 0) {
    const answer = await answerWithin(env, present, waitMs);
    if (answer instanceof Response) {
      trace.outcome = "ok";
      return answer;
    }
    return acceptedResponse(answer ?? status, request, target.origin, trace.requestId);
  }
  return acceptedResponse(status, request, target.origin, trace.requestId);
}

/** The request that a 202 speaks of: the one just stored, or an earlier one with the same key. */
async function statusOf(
  env: Env,
  accepted: Accepted,
  address: DeferredAddress,
  pool: PoolConfig,
): Promise<{ present: DeferredAddress; status: DeferredStatus }> {
  if (accepted.code === "accepted") return { present: address, status: accepted.status };
  if (accepted.code !== "repeated") throw refusalOf(accepted, pool);
  const present = deferredAddress(env, accepted.id);
  if (!present) throw refusalOf({ code: "unknown-request" }, pool);
  const givesUpAt = Date.now() + NAMESAKE_MS;
  for (let looks = 1; ; looks++) {
    const status = await reachDeferred(env, present, (stub) => stub.status(present.secret));
    if (status) return { present, status };
    if (Date.now() > givesUpAt) throw refusalOf({ code: "unknown-request" }, pool);
    await scheduler.wait(backoffMs(looks));
  }
}

function refusalOf(
  { code, message, outlook }: Exclude<Accepted, { code: "accepted" | "repeated" }>,
  pool: PoolConfig,
): Refusal {
  if (code === "no-server" || code === "deferred-full" || code === "flow-queue-full" || code === "stopped")
    return new Refusal(code, message ?? DETAILS[code], pool.name, { outlook });
  if (code === "idempotency-mismatch") {
    const detail = "A request with the same Idempotency-Key, method and path had another body.";
    return new Refusal(code, detail, pool.name);
  }
  return new Refusal("pool-unavailable", "The request could not be stored. Try again later.", pool.name);
}

/** Resolves once the request is durable and on the waiting list, or is not to be. */
export async function store(
  env: Env,
  { pool, body, client }: Pick<CarriedRequest, "pool" | "client"> & { body: RequestBody },
  address: DeferredAddress,
  request: StoredRequest,
): Promise<Accepted> {
  const most = (pool.deferred as DeferredConfig).maxBodyBytes;
  const { secret } = address;
  const share = new MemoryShare();
  const row = new Backlog();
  let [rows, inRow, total] = [0, 0, 0];
  /** False while there is no object yet. */
  let isKnown = false;
  const reach = <T>(call: (stub: DeferredStub) => Promise<T>, holdMs = 0): Promise<T> => {
    isKnown = true;
    return reachDeferred(env, address, call, { locationHint: pool.locationHint, holdMs });
  };
  const append = async () => {
    const bytes = takeRow(row);
    const number = rows++;
    inRow = 0;
    if (number === 0) await reach(async (stub) => stub.open(request));
    if (!(await reach((stub) => stub.append(secret, number, bytes))))
      throw refusalOf({ code: "unknown-request" }, pool);
    share.hold(0);
  };
  try {
    for await (const piece of body.pieces(client, pool.clientTimeoutMs)) {
      total += piece.byteLength;
      if (total > most) throw tooLarge(pool);
      for (let rest = piece; rest.byteLength > 0; ) {
        const part = rest.subarray(0, ROW_BYTES - inRow);
        row.push(part);
        inRow += part.byteLength;
        share.hold(inRow);
        rest = rest.subarray(part.byteLength);
        const isTight = inRow >= SHORT_ROW_BYTES && !share.hasRoomFor(SHORT_ROW_BYTES);
        // The last row is kept back: a body of one row needs one call.
        if (inRow === ROW_BYTES || isTight) await append();
      }
    }
    if (rows === 0) {
      const whole = inRow === 0 ? null : takeRow(row);
      return await reach((stub) => stub.store(request, whole), POOL_PATIENCE_MS);
    }
    if (inRow > 0) await append();
    return await reach((stub) => stub.accept(secret, rows), POOL_PATIENCE_MS);
  } catch (error) {
    if (isKnown)
      await deferredStub(env, address)
        .discard(secret)
        .catch(() => {});
    throw error;
  } finally {
    share.hold(0);
  }
}

/** Bytes of their own: a view would be sent with all of its buffer. */
function takeRow(row: Backlog): Uint8Array {
  const bytes = concat(row.takeAll());
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** The server's answer if there is one in time; else the status that there is by then. */
async function answerWithin(
  env: Env,
  address: DeferredAddress,
  waitMs: number,
): Promise<Response | DeferredStatus | null> {
  const { secret } = address;
  const until = Date.now() + waitMs;
  let ended: DeferredStatus | LiveAnswer | null;
  do {
    const holdMs = Math.min(Math.max(0, until - Date.now()), LONGEST_CALL_MS);
    ended = await reachDeferred(env, address, (stub, ms) => stub.untilEnded(secret, ms), { holdMs });
  } while (ended && !("rest" in ended) && ended.endedAt === null && Date.now() < until);
  if (ended && "rest" in ended) return liveResponse(ended);
  if (ended?.state === "failed" && ended.problem) {
    throw new Refusal(ended.problem.code, ended.problem.detail);
  }
  if (ended?.state !== "answered") return ended;
  return (await storedResponse(env, address)) ?? ended;
}

function webhookOf(env: Env, headers: Headers, { webhooks }: DeferredConfig, pool: string): string | null {
  const given = headers.get(WEBHOOK_HEADER);
  if (given === null) return null;
  const url = URL.parse(given);
  if (!url || url.username || url.password || !webhooks.includes(url.origin))
    throw new Refusal("webhook-refused", "Its origin is not among those that the pool allows.", pool);
  if (!webhookKey(env))
    throw new Refusal("webhook-refused", "The operator has set no key to sign webhooks with.", pool);
  return url.href;
}

/** As they came, without what was meant for Sluice. */
export function headersOf(headers: Headers, { context }: Trace): [string, string][] {
  const kept = new Headers(headers);
  // All attempts are of one trace.
  setTraceContext(kept, context);
  const prefer = otherPreferences(headers);
  if (prefer === null) kept.delete("prefer");
  else kept.set("prefer", prefer);
  kept.delete(WEBHOOK_HEADER);
  return [...kept];
}

/** A digest, as the key may be a secret of the client's; `null`: there is none. */
async function keyOf({ headers, method }: Request, pathAndQuery: string): Promise<string | null> {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  const text = JSON.stringify([key, method, pathAndQuery]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

function tooLarge({ name, deferred }: PoolConfig): Refusal {
  return new Refusal(
    "body-too-large",
    `The request's body has more than ${deferred?.maxBodyBytes} bytes.`,
    name,
  );
}
