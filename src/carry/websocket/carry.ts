import type { HeldLease } from "../../link/held-lease.ts";
import type { CarriedRequest } from "../carried-request.ts";
import { MemoryShare } from "../memory.ts";
import type { Outcome } from "../trace.ts";
import { type ServerConnection, type WebSocketEnd, WebSocketRelay } from "./relay.ts";

/**
 * Carries a WebSocket until both ends are over. `answer` gives the client its end; the lease ends in here, as soon as
 * the server is done.
 */
export async function carryWebSocket(
  carried: CarriedRequest,
  lease: HeldLease,
  server: WebSocket,
  connection: ServerConnection,
  answer: (clientEnd: WebSocket) => void,
): Promise<void> {
  const { client, pool, trace, inBackground } = carried;
  const relay = new WebSocketRelay(server, connection, { ...pool, share: () => new MemoryShare() });
  answer(relay.clientEnd);
  if (client.aborted || trace.status !== 101) relay.clientLost();
  else client.addEventListener("abort", () => relay.clientLost());
  const how = await relay.ended;
  const told = lease.end(how === "done" ? { how, status: 101 } : { how });
  inBackground(told);
  trace.bytes = relay.bytes;
  if (trace.outcome === "ok") trace.outcome = relay.clientLeft ? "client-abort-in-flight" : OUTCOMES[how];
  // A cut-off that gets lost with the invocation is found out; an end may have those of other requests with it.
  const cannotWait = how === "done" ? told : relay.flooded;
  await Promise.race([told, cannotWait]);
  if (!(await relay.clientClosed())) carried.answer.breakOff("The WebSocket broke off.", cannotWait);
}

const OUTCOMES: Record<WebSocketEnd, Outcome> = {
  done: "ok",
  broken: "origin-error",
  timeout: "server-timeout",
  longest: "server-timeout",
  client: "client-abort-in-flight",
  stalled: "client-abort-in-flight",
  unreachable: "origin-error",
  lost: "origin-error",
};
