import type { PoolConfig } from "../config/types.ts";
import { ClientLeft } from "../link/client-left.ts";
import type { HeldLease } from "../link/held-lease.ts";
import { isReachable } from "../proxy/reachable.ts";
import { Refusal } from "../refusals/refusal.ts";
import type { CutOff } from "../scheduler/terms/lease-end.ts";
import { cloudflareAnswer } from "../servers/cloudflare-answer.ts";
import { isBusyAnswer, restMs } from "./busy-answer.ts";
import { Connection, type CutBy } from "./connection.ts";
import { type BodyLength, bodyLengthOf, type Origins, reasonOf, toClient, toServer } from "./headers.ts";
import { Relay } from "./relay.ts";
import { BrokenUpload, type RequestBody, type Upload, type UploadWatch } from "./request-body.ts";
import { AnsweredByCloudflare, mayRetry, TryAgain } from "./retry.ts";
import { serverRequest } from "./server-request.ts";
import { Silence } from "./silence.ts";
import type { RequestTarget } from "./target.ts";
import type { Trace } from "./trace.ts";
import { type BreakOff, carryWebSocket } from "./websocket/carry.ts";

/** Of `first_byte`: a connection has to be made within this part of it, whatever `connect_timeout` says. */
const CONNECT_SHARE = 0.75;
/** A shorter time says nothing of a connection: a lost packet is sent again after a second. */
const LEAST_CONNECT_MS = 2_000;

export interface Exchange {
  /** How many servers have failed it. */
  failures: number;
  request: Request;
  target: RequestTarget;
  pool: PoolConfig;
  body: RequestBody;
  lease: HeldLease;
  trace: Trace;
  respond: (response: Response) => void;
  /** Answers instead of the server, which may still be at work. */
  refuse: (refusal: Refusal) => void;
  /** Takes work that the client does not wait for, and that goes on when it has left. */
  later: (work: Promise<unknown>) => void;
  breakOff: BreakOff;
}

/** One attempt's way to its server. */
interface Way {
  connection: Connection;
  /** The server's. */
  silence: Silence;
}

/** The server's answer cannot be passed on, and nobody knows when the server is done. */
class Unpassable extends Error {}

/** The request cannot be made; nothing was sent to the server. */
class Unsendable extends Error {}

/**
 * Carries one request to the server of its lease and the answer back. Resolves when both are done; the lease
 * ends in here, with the later of the server's last byte and the upload's, or as cut off. Rejects with `TryAgain` when
 * the server failed and the request may go to another: then the lease is left to who asks for the next one.
 */
export async function forward(exchange: Exchange): Promise<void> {
  const { lease, trace } = exchange;
  trace.dispatched(lease.server.name);
  const way = begin(exchange);
  try {
    await carry(exchange, way);
  } catch (error) {
    way.silence.stop();
    if (error instanceof TryAgain) throw error;
    const { cutBy } = way.connection;
    if (cutBy === null || cutBy === "unreachable" || cutBy === "lost") {
      logError(error, lease.server.name, trace.requestId);
    }
    throw failed(exchange, way.connection, error);
  }
}

/** All that can end the connection before its time. */
function begin({ request, pool, lease }: Exchange): Way {
  const connection = new Connection();
  const silence = new Silence(lease.clock, pool.serverTimeout.firstByteMs, () => connection.cut("timeout"));
  lease.onLost = () => connection.cut("lost");
  if (pool.longestMs !== null) lease.clock.set(pool.longestMs, () => connection.cut("longest"));
  if (pool.onClientAbort === "cancel") {
    request.signal.addEventListener("abort", () => connection.cut("client"));
    if (request.signal.aborted) connection.cut("client");
  }
  return { connection, silence };
}

async function carry(exchange: Exchange, way: Way): Promise<void> {
  const { connection, silence } = way;
  const { lease, trace, pool } = exchange;
  const upload = exchange.body.send(pool.clientTimeoutMs, uploadWatch(lease, way));
  const response = await ask(exchange, upload, connection);
  silence.allow(pool.serverTimeout.betweenMs);
  await mindOtherAnswers(exchange, response);
  trace.answered();
  exchange.body.forget();
  // To a request that asked for no other protocol; the runtime has closed the connection (workerd 2026-11-17).
  if (response.status === 101 && !response.webSocket) throw new Unpassable("status 101");
  const carried = { exchange, response, length: bodyLengthOf(response.headers), upload, way };
  if (response.webSocket) {
    silence.stop();
    await carryWebSocket(exchange, response.webSocket, connection, (webSocket) =>
      answer(carried, null, { webSocket }),
    );
  } else if (response.body) await carryBody(carried, response.body);
  else await carryHeaders(carried);
}

/** Sends the request; resolves with the response's headers. */
function ask(exchange: Exchange, upload: Upload, connection: Connection): Promise<Response> {
  const { request, target, pool, trace } = exchange;
  let outgoing: ReturnType<typeof serverRequest>;
  try {
    const headers = toServer(request, target, originsOf(exchange), pool, trace.requestId);
    outgoing = serverRequest({ ...exchange, content: upload.content }, headers);
  } catch (error) {
    throw new Unsendable(String(error));
  }
  const response = fetch(outgoing.target, { ...outgoing.init, signal: connection.signal });
  watchConnecting(exchange, connection, response);
  return response;
}

function uploadWatch(lease: HeldLease, { connection, silence }: Way): UploadWatch {
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
function watchConnecting(
  { pool, lease }: Exchange,
  connection: Connection,
  response: Promise<unknown>,
): void {
  const limitMs = Math.min(pool.connectTimeoutMs, CONNECT_SHARE * pool.serverTimeout.firstByteMs);
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
async function mindOtherAnswers({ body, pool }: Exchange, response: Response): Promise<void> {
  const byCloudflare = cloudflareAnswer(response);
  if (byCloudflare !== null) {
    await response.body?.cancel();
    throw new AnsweredByCloudflare(byCloudflare);
  }
  if (!body.atHand || !(await isBusyAnswer(response, pool.retryOn))) return;
  throw new TryAgain({ busyForMs: restMs(response, pool.cooldownMs, Date.now()) });
}

interface Carried {
  exchange: Exchange;
  response: Response;
  length: BodyLength;
  upload: Upload;
  way: Way;
}

async function carryHeaders(carried: Carried): Promise<void> {
  const { request, trace } = carried.exchange;
  const told = done(carried);
  answer(carried, null);
  if (request.signal.aborted && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  await told;
}

async function carryBody(carried: Carried, source: ReadableStream): Promise<void> {
  const { exchange, length, way } = carried;
  const { pool, lease, trace, request } = exchange;
  const upload = goesOn(carried) ? carried.upload : null;
  const relay = new Relay(source, length.length, pool, request.signal, upload);
  if (pool.onClientAbort === "cancel") relay.onClientLeft = () => way.connection.cut("client");
  const body = await relay.open(lease.clock);
  // Before the answer: its slot stands idle until the pool knows.
  const told = relay.isWhole ? done(carried) : null;
  answer(carried, body, { encodeBody: "manual" });
  try {
    await relay.untilServerDone(way.silence);
    way.connection.signal.throwIfAborted();
    await Promise.all([told ?? done(carried), relay.delivered()]);
  } finally {
    trace.bytes = relay.bytes;
    if (relay.clientLeft && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  }
}

/** A server that answers early is at work until it has the request whole, or its connection is closed. */
function done({ exchange, response, upload, way }: Carried): Promise<void> {
  if (upload.isOver()) return exchange.lease.done(response.status);
  way.connection.cut("early");
  return exchange.lease.end("early", response.status);
}

/** Clients stop sending at an early answer that is no success, as curl does, and wait for its end. */
function goesOn({ upload, response }: Carried): boolean {
  return !upload.isOver() && response.status < 300;
}

function answer(
  { exchange, response, length }: Carried,
  body: BodyInit | null,
  init: ResponseInit = {},
): void {
  const { pool, lease, trace, respond, refuse } = exchange;
  const { status, statusText, headers } = response;
  try {
    const answered = new Response(body, { status, statusText: reasonOf(statusText), headers, ...init });
    toClient(answered.headers, originsOf(exchange), pool, trace, length);
    respond(answered);
  } catch (error) {
    // No failure of the server's, which is heard out as if its client had left.
    logError(error, lease.server.name, trace.requestId);
    if (body instanceof ReadableStream) void body.cancel();
    refuse(notPassedOn(pool));
  }
}

/** Ends the lease of a request that was not answered to its end. What the client is told, or `TryAgain`. */
function failed(exchange: Exchange, connection: Connection, error: unknown): Error {
  const { request, pool, lease, trace, later } = exchange;
  if (error instanceof Unsendable) {
    later(lease.end("unused"));
    return new Refusal("invalid-request", "The request cannot be passed on.", pool.name);
  }
  if (error instanceof Unpassable) connection.cut("unpassable");
  const { cutBy } = connection;
  const byCloudflare = error instanceof AnsweredByCloudflare ? error : null;
  const ending = connection.ending ?? byCloudflare?.ending ?? "broken";
  const clientLeft = request.signal.aborted || trace.outcome === "client-abort-in-flight";
  if (trace.status === null && !clientLeft && isFailedConnection(cutBy, byCloudflare)) {
    if (mayRetry(exchange, byCloudflare?.neverReached ?? false)) return new TryAgain({ ending });
  }
  // The client waits for none of it: while the pool cannot be reached that takes long.
  later(end(lease, ending, clientLeft && cutBy === null));
  if (clientLeft && (cutBy === null || cutBy === "client")) return new ClientLeft();
  return refusalOf(cutBy ?? (byCloudflare?.answer === "timeout" ? "timeout" : null), pool);
}

/** Not: the server's time was up, or it was not the server's fault. */
function isFailedConnection(cutBy: CutBy | null, byCloudflare: AnsweredByCloudflare | null): boolean {
  return cutBy === null ? byCloudflare?.answer !== "timeout" : cutBy === "unreachable";
}

async function end(lease: HeldLease, ending: CutOff, clientLeft: boolean): Promise<void> {
  // Two ends on purpose: the first counts the request as abandoned, the second makes quarantine and health treat it
  // as a failure of the server.
  if (clientLeft) await lease.end("client");
  await lease.end(ending);
}

/** For the operator: the client is told no more than that it failed. */
function logError(error: unknown, server: string, requestId: string): void {
  console.error(JSON.stringify({ error: String(error), server, requestId }));
}

/** `null`: the server broke off. */
function refusalOf(cutBy: CutBy | null, pool: PoolConfig): Refusal {
  switch (cutBy) {
    case "timeout":
      return new Refusal("server-timeout", "The server did not answer in time.", pool.name);
    case "longest":
      return new Refusal("server-timeout", "The request took longer than any may.", pool.name);
    case "stalled":
      return new Refusal("client-timeout", "The request's body did not arrive in time.", pool.name);
    case "client":
      return new BrokenUpload(pool.name);
    case "lost":
      return new Refusal("cut-off", "The request was cut off: its slot was taken away.", pool.name);
    case "unpassable":
      return notPassedOn(pool);
    default:
      return new Refusal("bad-gateway", "The server could not be reached, or broke off.", pool.name);
  }
}

function notPassedOn(pool: PoolConfig): Refusal {
  return new Refusal("bad-gateway", "The server's answer cannot be passed on.", pool.name);
}

function originsOf({ target, lease }: Exchange): Origins {
  return { client: target.origin, server: lease.server.url };
}
