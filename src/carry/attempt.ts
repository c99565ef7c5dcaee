import type { HeldLease } from "../link/held-lease.ts";
import { logError } from "../link/log.ts";
import { cloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { isReachable } from "../servers/tcp.ts";
import { isBusyAnswer, retryAfterMs } from "./busy-answer.ts";
import type { CarriedRequest } from "./carried-request.ts";
import { Connection } from "./connection.ts";
import { AnsweredByCloudflare, failureOf, notPassedOn, TryAgain, Unpassable, Unsendable } from "./failure.ts";
import { type BodyLength, bodyLengthOf, reasonOf, toClient } from "./headers.ts";
import { Relay } from "./relay.ts";
import { serverRequest } from "./server-request.ts";
import { Silence } from "./silence.ts";
import type { Upload, UploadWatch } from "./upload.ts";
import { carryWebSocket } from "./websocket/carry.ts";

/** Of `first_byte`: a connection has to be made within this part of it, whatever `connect_timeout` says. */
const CONNECT_SHARE = 0.75;
/** A shorter time says nothing of a connection: a lost packet is sent again after a second. */
const LEAST_CONNECT_MS = 2_000;

/** One request on its way to one server. */
interface Attempt {
  carried: CarriedRequest;
  lease: HeldLease;
  connection: Connection;
  /** The server's. */
  silence: Silence;
}

/** What has come back of it. */
interface Answered extends Attempt {
  response: Response;
  length: BodyLength;
  upload: Upload;
}

/**
 * Carries one request to the server of its lease and the answer back. Resolves when both are done; the lease
 * ends in here, with the later of the server's last byte and the upload's, or as cut off. Rejects with `TryAgain` when
 * the server failed and the request may go to another: then the lease is left to who asks for the next one.
 *
 * `failures`: how many servers have failed the request.
 */
export async function attempt(carried: CarriedRequest, lease: HeldLease, failures: number): Promise<void> {
  const { trace } = carried;
  trace.dispatched(lease.server.name);
  const begun = begin(carried, lease);
  const { connection, silence } = begun;
  try {
    await exchange(begun);
  } catch (error) {
    silence.stop();
    if (error instanceof TryAgain) throw error;
    if (error instanceof Unpassable) connection.cut("unpassable");
    if (connection.isServersFault) logError(error, { server: lease.server.name, requestId: trace.requestId });
    const failure = failureOf(error, connection, carried, failures);
    // The client does not wait for it: while the pool cannot be reached it takes long.
    if (!(failure.error instanceof TryAgain)) carried.inBackground(lease.end(failure.end));
    throw failure.error;
  }
}

/** All that can end the connection before its time. */
function begin(carried: CarriedRequest, lease: HeldLease): Attempt {
  const { pool, client } = carried;
  const connection = new Connection();
  const silence = new Silence(lease.clock, pool.serverTimeout.firstByteMs, () => connection.cut("timeout"));
  lease.onLost = () => connection.cut("lost");
  if (pool.longestMs !== null) lease.clock.set(pool.longestMs, () => connection.cut("longest"));
  if (pool.onClientAbort === "cancel") {
    client.addEventListener("abort", () => connection.cut("client"));
    if (client.aborted) connection.cut("client");
  }
  return { carried, lease, connection, silence };
}

async function exchange(begun: Attempt): Promise<void> {
  const { carried, connection, silence } = begun;
  const { pool, trace, body } = carried;
  const upload = body.send(pool.clientTimeoutMs, uploadWatch(begun));
  const response = await ask(begun, upload);
  silence.allow(pool.serverTimeout.betweenMs);
  await mindOtherAnswers(carried, response);
  trace.answered();
  body.forget();
  // To a request that asked for no other protocol; the runtime has closed the connection (workerd 2026-11-17).
  if (response.status === 101 && !response.webSocket) throw new Unpassable("status 101");
  const answered = { ...begun, response, length: bodyLengthOf(response.headers), upload };
  if (response.webSocket) {
    silence.stop();
    await carryWebSocket(carried, begun.lease, response.webSocket, connection, (webSocket) =>
      answer(answered, null, { webSocket }),
    );
  } else if (response.body) await carryBody(answered, response.body);
  else await carryHeaders(answered);
}

/** Sends the request; resolves with the response's headers. */
function ask(begun: Attempt, upload: Upload): Promise<Response> {
  const { carried, lease, connection } = begun;
  let outgoing: ReturnType<typeof serverRequest>;
  try {
    outgoing = serverRequest(carried, lease.server, upload.content);
  } catch (error) {
    throw new Unsendable(String(error));
  }
  const response = fetch(outgoing.target, { ...outgoing.init, signal: connection.signal });
  watchConnecting(begun, response);
  return response;
}

function uploadWatch({ lease, connection, silence }: Attempt): UploadWatch {
  return {
    clock: lease.clock,
    signal: connection.signal,
    onAwaitClient: () => silence.pause(),
    onBytes: () => silence.resume(),
    onTaken: () => silence.heard(),
    onBroken: () => connection.cut("client"),
    // If it may be the server that takes nothing, it may be at work already.
    onStalled: (unsure) => connection.cut("stalled", unsure ? "client" : "stalled"),
  };
}

/** Asks by a second connection, while the server says nothing, whether its host is there at all. */
function watchConnecting({ carried, lease, connection }: Attempt, response: Promise<unknown>): void {
  const { connectTimeoutMs, serverTimeout } = carried.pool;
  const limitMs = Math.min(connectTimeoutMs, CONNECT_SHARE * serverTimeout.firstByteMs);
  if (limitMs < LEAST_CONNECT_MS) return;
  let connecting = true;
  const made = () => {
    connecting = false;
  };
  response.then(made, made);
  lease.clock.set(limitMs / 2, async () => {
    if (!connecting || (await isReachable(lease.server.url, limitMs / 2))) return;
    if (connecting) connection.cut("unreachable");
  });
}

/** Answers that are not the server's, or not for the client: Cloudflare's own, and those that say "busy, not me". */
async function mindOtherAnswers({ body, pool }: CarriedRequest, response: Response): Promise<void> {
  const byCloudflare = cloudflareAnswer(response);
  if (byCloudflare !== null) {
    await response.body?.cancel();
    throw new AnsweredByCloudflare(byCloudflare);
  }
  if (!body.atHand || !(await isBusyAnswer(response, pool.retryOn))) return;
  throw new TryAgain({ how: "busy", restMs: retryAfterMs(response, Date.now()) });
}

async function carryHeaders(answered: Answered): Promise<void> {
  const { client, trace } = answered.carried;
  const ended = end(answered);
  answer(answered, null);
  if (client.aborted && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  await ended;
}

async function carryBody(answered: Answered, source: ReadableStream): Promise<void> {
  const { carried, lease, connection, silence, length } = answered;
  const { pool, trace, client } = carried;
  const upload = goesOn(answered) ? answered.upload : null;
  const relay = new Relay(source, length.length, pool, client, upload);
  if (pool.onClientAbort === "cancel") relay.onClientLeft = () => connection.cut("client");
  const body = await relay.open(lease.clock);
  // Before the answer: its slot stands idle until the pool knows.
  const ended = relay.isWhole ? end(answered) : null;
  answer(answered, body, { encodeBody: "manual" });
  try {
    if (ended) return await ended;
    await relay.untilServerDone(silence);
    connection.signal.throwIfAborted();
    await Promise.all([end(answered), relay.delivered()]);
  } finally {
    trace.bytes = relay.bytes;
    if (relay.clientLeft && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  }
}

/** A server that answers early is at work until it has the request whole, or its connection is closed. */
function end({ lease, response, upload, connection }: Answered): Promise<void> {
  const { status } = response;
  if (upload.isOver()) return lease.end({ how: "done", status });
  connection.cut("early");
  return lease.end({ how: "early", status });
}

/** Clients stop sending at an early answer that is no success, as curl does, and wait for its end. */
function goesOn({ upload, response }: Answered): boolean {
  return !upload.isOver() && response.status < 300;
}

function answer(
  { carried, lease, response, length }: Answered,
  body: BodyInit | null,
  init: ResponseInit = {},
): void {
  const { pool, trace } = carried;
  const { status, statusText, headers } = response;
  try {
    const answered = new Response(body, { status, statusText: reasonOf(statusText), headers, ...init });
    toClient(answered.headers, carried, lease.server.url, length);
    carried.answer.respond(answered);
  } catch (error) {
    // No failure of the server's, which is heard out as if its client had left.
    logError(error, { server: lease.server.name, requestId: trace.requestId });
    if (body instanceof ReadableStream) void body.cancel();
    carried.answer.refuse(notPassedOn(pool.name));
  }
}
