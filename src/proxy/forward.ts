import type { PoolConfig } from "../config/types.ts";
import { Refusal } from "../refusals/refusal.ts";
import { ClientLeft } from "./client-left.ts";
import { bodyLengthOf, toClient, toServer } from "./headers.ts";
import type { HeldLease } from "./held-lease.ts";
import { Relay } from "./relay.ts";
import type { RequestBody } from "./request-body.ts";
import { mayRetry, NeverReached, TryAgain, wasNeverReached } from "./retry.ts";
import { serverRequest } from "./server-request.ts";
import { Silence } from "./silence.ts";
import type { RequestTarget } from "./target.ts";
import type { Trace } from "./trace.ts";
import { type BreakOff, carryWebSocket } from "./websocket/carry.ts";
import type { ServerConnection } from "./websocket/relay.ts";

export interface Exchange {
  /** 1 is the first. */
  attempt: number;
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

/** Why we, and not the server, ended the connection. */
type CutBy = "timeout" | "longest" | "client" | "unpassable" | null;

/** The server's answer cannot be passed on, and nobody knows when the server is done. */
class Unpassable extends Error {}

/**
 * Carries one request to the server of its lease and the answer back. Resolves when both are done; the lease
 * ends in here, with the server's last byte or as cut off. Rejects with `TryAgain` when the server failed and the
 * request may go to another: then the lease is left to who asks for the next one.
 */
export async function forward(exchange: Exchange): Promise<void> {
  const { request, pool, lease, trace, later } = exchange;
  trace.dispatched(lease.server.name);
  const connection = new AbortController();
  let cutBy = null as CutBy;
  const cut = (by: NonNullable<CutBy>) => {
    cutBy ??= by;
    connection.abort();
  };
  const silence = new Silence(lease.clock, pool.serverTimeout.firstByteMs, () => cut("timeout"));
  if (pool.onClientAbort === "cancel") request.signal.addEventListener("abort", () => cut("client"));
  exchange.body.onProgress = () => silence.heard();
  try {
    const serverConnection = {
      signal: connection.signal,
      get ending() {
        return cutBy === "unpassable" ? null : cutBy;
      },
      cut,
    };
    await carry(exchange, serverConnection, silence);
  } catch (error) {
    silence.stop();
    if (exchange.body.clientBrokeOff) cut("client");
    if (error instanceof Unpassable) cut("unpassable");
    if (cutBy !== "timeout" && cutBy !== "client") logError(error, lease.server.name, trace.requestId);
    const clientLeft = request.signal.aborted || trace.outcome === "client-abort-in-flight";
    const unanswered = trace.status === null && !clientLeft;
    if (!cutBy && unanswered && mayRetry(exchange, error instanceof NeverReached)) throw new TryAgain();
    // The client waits for none of it: while the pool cannot be reached that takes long.
    later(end(lease, cutBy, clientLeft));
    throw failure(cutBy ?? (clientLeft ? "client" : null), pool);
  }
}

async function end(lease: HeldLease, cutBy: CutBy, clientLeft: boolean): Promise<void> {
  // The pool has no word for the last, but it is we who closed the connection.
  if (cutBy) return lease.end(cutBy === "unpassable" ? "timeout" : cutBy);
  // Nobody is left to be refused, but it is the server that broke off: its slot and its health go by that.
  if (clientLeft) await lease.end("client");
  await lease.end("broken");
}

async function carry(exchange: Exchange, connection: ServerConnection, silence: Silence): Promise<void> {
  const { request, target, pool, lease, trace, respond, refuse } = exchange;
  const origins = { client: target.origin, server: lease.server.url };
  const outgoing = serverRequest(exchange, toServer(request, target, origins, pool, trace.requestId));
  const response = await fetch(outgoing.target, { ...outgoing.init, signal: connection.signal });
  silence.heard();
  if (wasNeverReached(response)) {
    await response.body?.cancel();
    throw new NeverReached(`Cloudflare's ${response.status}`);
  }
  trace.answered();
  const { status, statusText, headers } = response;
  // To a request that asked for no other protocol; the runtime has closed the connection (workerd 2026-11-17).
  if (status === 101 && !response.webSocket) throw new Unpassable("status 101");
  const bodyLength = bodyLengthOf(headers);
  const answer = (body: BodyInit | null, init: ResponseInit = {}) => {
    try {
      const answered = new Response(body, { status, statusText, headers, ...init });
      toClient(answered.headers, origins, pool, trace, bodyLength);
      respond(answered);
    } catch (error) {
      // No failure of the server's, which is heard out as if its client had left.
      logError(error, lease.server.name, trace.requestId);
      if (body instanceof ReadableStream) void body.cancel();
      refuse(notPassedOn(pool));
    }
  };

  if (response.webSocket) {
    silence.stop();
    await carryWebSocket(exchange, response.webSocket, connection, (webSocket) =>
      answer(null, { webSocket }),
    );
    return;
  }
  if (!response.body) {
    const told = lease.done(status);
    answer(null);
    if (request.signal.aborted && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
    await told;
    return;
  }
  const relay = new Relay(response.body, bodyLength.length, pool.bufferResponseBytes, request.signal);
  const body = await relay.open(lease.clock);
  // Before the answer: its slot stands idle until the pool knows.
  let told = relay.isWhole ? lease.done(status) : null;
  answer(body, { encodeBody: "manual" });
  try {
    await relay.untilServerDone(silence);
    told ??= lease.done(status);
    await Promise.all([told, relay.delivered()]);
  } finally {
    trace.bytes = relay.bytes;
    if (relay.clientLeft && trace.outcome === "ok") trace.outcome = "client-abort-in-flight";
  }
}

/** For the operator: the client is told no more than that it failed. */
function logError(error: unknown, server: string, requestId: string): void {
  console.error(JSON.stringify({ error: String(error), server, requestId }));
}

function failure(cutBy: CutBy, pool: PoolConfig): Error {
  if (cutBy === "client") return new ClientLeft();
  if (cutBy === "unpassable") return notPassedOn(pool);
  if (cutBy === "timeout")
    return new Refusal("server-timeout", "The server did not answer in time.", pool.name);
  return new Refusal("bad-gateway", "The server could not be reached, or broke off.", pool.name);
}

function notPassedOn(pool: PoolConfig): Refusal {
  return new Refusal("bad-gateway", "The server's answer cannot be passed on.", pool.name);
}
