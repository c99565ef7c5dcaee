import { logError } from "../link/log.ts";
import type { Passage } from "../link/passage.ts";
import { cloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { NoBinding, NoSecret } from "../servers/fetcher.ts";
import { isReachable } from "../servers/tcp.ts";
import { isBusyAnswer, retryAfterMs } from "./busy-answer.ts";
import type { CarriedRequest } from "./carried-request.ts";
import { Connection } from "./connection.ts";
import {
  AnsweredByCloudflare,
  failureOf,
  TryAgain,
  Unpassable,
  Unsendable,
  unpassableAnswer,
} from "./failure.ts";
import { type BodyLength, bodyLengthOf, reasonOf, toClient } from "./headers.ts";
import { Relay } from "./relay.ts";
import { serverRequest } from "./server-request.ts";
import { Silence } from "./silence.ts";
import type { Upload, UploadWatch } from "./upload.ts";
import { carryWebSocket } from "./websocket/carry.ts";

/** The share of `first_byte` within which a connection must be made, if `connect_timeout` is longer. */
const CONNECT_SHARE = 0.75;
/** Within less, a connection that is not made means nothing: a lost packet is sent again after a second. */
const LEAST_CONNECT_MS = 2_000;

/** One request on its way to one server. */
interface Attempt {
  carried: CarriedRequest;
  lease: Passage;
  connection: Connection;
  /** Of the server. */
  silence: Silence;
}

/** An attempt whose response headers have arrived. */
interface AnsweredAttempt extends Attempt {
  response: Response;
  /** Of the response's body. */
  length: BodyLength;
  upload: Upload;
}

/**
 * Carries one request to the server of its lease and the answer back to the client. Called by `carry`.
 *
 * Resolves when the server has sent its last byte, the upload is over, and the client has read the answer or left. It
 * ends the lease itself, as soon as the server is done or cut off. Rejects with the `Refusal` for the client, with
 * `ClientLeft`, or with `TryAgain` if the request may be retried: only then is the lease still held, for `acquireLease`
 * to end.
 *
 * `lease`: that, or free passage, which has no slot. `failures`: how many servers have failed the request before.
 */
export async function attempt(carried: CarriedRequest, lease: Passage, failures: number): Promise<void> {
  const { trace } = carried;
  trace.dispatch(lease.server.name);
  const current = begin(carried, lease);
  const { connection, silence } = current;
  try {
    await carryBothWays(current);
  } catch (error) {
    silence.stop();
    if (error instanceof TryAgain) throw error;
    if (error instanceof Unpassable) connection.cut("unpassable");
    if (connection.concernsOperator)
      logError(error, { server: lease.server.name, requestId: trace.requestId });
    const failure = failureOf(error, connection, carried, failures);
    // In the background, because it takes long while the pool cannot be reached.
    if (!(failure.error instanceof TryAgain)) carried.inBackground(lease.end(failure.end));
    throw failure.error;
  }
}

/**
 * Prepares everything that can cut the connection to the server. When the client leaves in flight, `on_client_abort`
 * decides: with `cancel` the connection is cut here, the lease ends as `client`, and the slot is in quarantine for
 * `quarantine.cancel`; with `finish` `Relay` reads the answer on to its end, and the lease ends as `done`. An upload
 * that the client leaves in the middle is cut in either case (`uploadWatch`).
 */
function begin(carried: CarriedRequest, lease: Passage): Attempt {
  const { pool, client } = carried;
  const connection = new Connection();
  const silence = new Silence(lease.clock, pool.serverTimeout.firstByteMs, () => connection.cut("timeout"));
  lease.onLost = (why) => connection.cut(why);
  if (pool.longestMs !== null) lease.clock.set(pool.longestMs, () => connection.cut("longest"));
  if (pool.onClientAbort === "cancel") {
    client.addEventListener("abort", () => connection.cut("client"));
    if (client.aborted) connection.cut("client");
  }
  return { carried, lease, connection, silence };
}

async function carryBothWays(current: Attempt): Promise<void> {
  const { carried, connection, silence } = current;
  const { pool, trace, body } = carried;
  const upload = body.send(pool.clientTimeoutMs, uploadWatch(current));
  const response = await send(current, upload);
  // What it has been sent may be in its buffer longer than its answer takes.
  if (!upload.isOver()) current.lease.mayBeRead = true;
  silence.resetTo(pool.serverTimeout.betweenMs);
  await throwUnlessForClient(current, response);
  trace.receiveHeaders(response.headers);
  body.forget();
  // The server switched protocols although the request did not ask for it. The runtime has closed the connection
  // (workerd 2026-11-17).
  if (response.status === 101 && !response.webSocket) throw new Unpassable("status 101");
  const answered = { ...current, response, length: bodyLengthOf(response.headers), upload };
  if (response.webSocket) {
    silence.stop();
    await carryWebSocket(carried, current.lease, response.webSocket, connection, (webSocket) =>
      respond(answered, null, { webSocket }),
    );
  } else if (response.body) await carryBody(answered, response.body);
  else await carryHeaders(answered);
}

/**
 * Sends the request. Resolves with the response as soon as its headers arrive. Throws, before anything is sent,
 * `NoBinding`, `NoSecret` or `Unsendable`.
 */
function send(current: Attempt, upload: Upload): Promise<Response> {
  const { carried, lease, connection } = current;
  let outgoing: ReturnType<typeof serverRequest>;
  try {
    outgoing = serverRequest(carried, lease.server, upload.content);
  } catch (error) {
    throw error instanceof NoBinding || error instanceof NoSecret ? error : new Unsendable(String(error));
  }
  const response = outgoing.fetch(outgoing.target, { ...outgoing.init, signal: connection.signal });
  watchConnecting(current, response);
  return response;
}

function uploadWatch({ lease, connection, silence }: Attempt): UploadWatch {
  return {
    clock: lease.clock,
    signal: connection.signal,
    onWaitForClient: () => silence.pause(),
    onClientSent: () => silence.resume(),
    onServerRead: () => silence.reset(),
    onBroken: () => connection.cut("client"),
    // `unsure`: the server may have enough of the request to be at work, as after a client that disconnected.
    onStalled: (unsure) => connection.cut("stalled", unsure ? "client" : "stalled"),
  };
}

/** If no answer comes, checks with a second connection whether the server's host can be reached at all. */
function watchConnecting({ carried, lease, connection }: Attempt, response: Promise<unknown>): void {
  const { connectTimeoutMs, serverTimeout } = carried.pool;
  const limitMs = Math.min(connectTimeoutMs, CONNECT_SHARE * serverTimeout.firstByteMs);
  // Whatever is behind a binding, a connection of our own does not come there.
  if (limitMs < LEAST_CONNECT_MS || lease.server.binding !== null) return;
  let isConnecting = true;
  const stop = () => {
    isConnecting = false;
  };
  response.then(stop, stop);
  lease.clock.set(limitMs / 2, async () => {
    if (!isConnecting || (await isReachable(lease.server.url, limitMs / 2))) return;
    if (isConnecting) connection.cut("unreachable");
  });
}

/** Throws if the answer is Cloudflare's own (`AnsweredByCloudflare`), or a busy answer of `retry_on` (`TryAgain`). */
async function throwUnlessForClient({ carried, lease }: Attempt, response: Response): Promise<void> {
  const { body, pool } = carried;
  const byCloudflare = cloudflareAnswer(response);
  if (byCloudflare !== null) {
    await response.body?.cancel();
    throw new AnsweredByCloudflare(byCloudflare);
  }
  // Without a place on the waiting list there is nothing to go back to.
  if (lease.isFree || !body.isReplayable || !(await isBusyAnswer(response, pool.retryOn))) return;
  throw new TryAgain({ how: "busy", restMs: retryAfterMs(response, Date.now()) });
}

/** Carries a response that has no body. */
async function carryHeaders(answered: AnsweredAttempt): Promise<void> {
  const { client, trace, responder } = answered.carried;
  if (responder.stored) {
    respond(answered, null);
    await responder.stored();
    return endLease(answered);
  }
  const ending = endLease(answered);
  respond(answered, null);
  if (client.aborted && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  await ending;
}

async function carryBody(answered: AnsweredAttempt, source: ReadableStream): Promise<void> {
  const { carried, lease, connection, silence, length } = answered;
  const { pool, trace, client, responder } = carried;
  const upload = mayUploadGoOn(answered) ? answered.upload : null;
  const relay = new Relay(source, length.length, pool, client, upload);
  if (pool.onClientAbort === "cancel") relay.onClientLeft = () => connection.cut("client");
  const body = await relay.open(lease.clock);
  // The pool is told before the client is answered, because the slot is idle until it knows.
  const ending = relay.isOnePiece && !responder.stored ? endLease(answered) : null;
  respond(answered, body, { encodeBody: "manual" });
  try {
    if (ending) return await ending;
    await relay.untilServerDone(silence, connection.signal);
    connection.signal.throwIfAborted();
    await responder.stored?.();
    await Promise.all([endLease(answered), relay.delivered()]);
  } finally {
    trace.bytes = relay.bytes;
    if (relay.clientLeft && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  }
}

/** After an early answer the server is at work until it has the whole request, or its connection is cut. */
function endLease({ lease, response, upload, connection }: AnsweredAttempt): Promise<void> {
  const { status } = response;
  if (upload.isOver()) return lease.end({ how: "done", status });
  connection.cut("early");
  return lease.end({ how: "early", status });
}

/** Only after an early success: after another early answer, clients such as curl stop sending and wait for its end. */
function mayUploadGoOn({ upload, response }: AnsweredAttempt): boolean {
  return !upload.isOver() && response.status < 300;
}

/** Answers the client with the server's response; with a 502 if the runtime refuses to make one of it. */
function respond(
  { carried, lease, response, length }: AnsweredAttempt,
  body: BodyInit | null,
  init: ResponseInit = {},
): void {
  const { pool, trace } = carried;
  const { status, statusText, headers } = response;
  try {
    const toSend = new Response(body, { status, statusText: reasonOf(statusText), headers, ...init });
    toClient(toSend.headers, carried, lease.server, length);
    carried.responder.respond(toSend);
  } catch (error) {
    // The server has not failed. Its body is cancelled here, so the rest is read as if the client had left.
    logError(error, { server: lease.server.name, requestId: trace.requestId });
    if (body instanceof ReadableStream) void body.cancel();
    carried.responder.refuse(unpassableAnswer(pool.name));
  }
}
