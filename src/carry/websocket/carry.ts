import type { PoolConfig } from "../../config/types.ts";
import type { HeldLease } from "../../link/held-lease.ts";
import type { Ending } from "../../link/protocol.ts";
import { MemoryShare } from "../memory.ts";
import type { Outcome, Trace } from "../trace.ts";
import { type ServerConnection, WebSocketRelay } from "./relay.ts";

/** What a WebSocket needs of the request that became one. */
export interface WebSocketExchange {
  request: Request;
  pool: PoolConfig;
  lease: HeldLease;
  trace: Trace;
  later: (work: Promise<unknown>) => void;
  breakOff: BreakOff;
}

/** Breaks the client's connection off once all else is done; where that cannot wait any longer, without. */
export type BreakOff = (why: string, cannotWait: Promise<void>) => void;

/**
 * Carries a WebSocket until both ends are over. `answer` gives the client its end; the lease ends in here, as soon as
 * the server is done.
 */
export async function carryWebSocket(
  { request, pool, lease, trace, later, breakOff }: WebSocketExchange,
  server: WebSocket,
  connection: ServerConnection,
  answer: (clientEnd: WebSocket) => void,
): Promise<void> {
  const relay = new WebSocketRelay(server, connection, { ...pool, share: () => new MemoryShare() });
  answer(relay.clientEnd);
  if (request.signal.aborted || trace.status !== 101) relay.clientLost();
  else request.signal.addEventListener("abort", () => relay.clientLost());
  const ending = await relay.ended;
  const told = ending === "done" ? lease.done(101) : lease.end(ending);
  later(told);
  trace.bytes = relay.bytes;
  if (trace.outcome === "ok") trace.outcome = relay.clientLeft ? "client-abort-in-flight" : OUTCOMES[ending];
  // An `end` that gets lost with the invocation is found out; a `done` may have those of other requests with it.
  const cannotWait = ending === "done" ? told : relay.flooded;
  await Promise.race([told, cannotWait]);
  if (!(await relay.clientClosed())) breakOff("The WebSocket broke off.", cannotWait);
}

const OUTCOMES: Record<Ending, Outcome> = {
  done: "ok",
  unused: "ok",
  broken: "origin-error",
  timeout: "server-timeout",
  longest: "server-timeout",
  client: "client-abort-in-flight",
  stalled: "client-abort-in-flight",
  early: "ok",
  unreachable: "origin-error",
  lost: "origin-error",
};
