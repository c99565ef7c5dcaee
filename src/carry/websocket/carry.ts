import type { Passage } from "../../link/passage.ts";
import type { CarriedRequest } from "../carried-request.ts";
import { MemoryShare } from "../memory.ts";
import type { Outcome } from "../trace.ts";
import { type ServerConnection, type WebSocketEnd, WebSocketRelay } from "./relay.ts";

/**
 * Carries a WebSocket until it is over on both sides. Calls `respond` with the client's side of it, and ends the lease
 * as soon as the server is done. Never rejects.
 */
export async function carryWebSocket(
  carried: CarriedRequest,
  lease: Passage,
  server: WebSocket,
  connection: ServerConnection,
  respond: (clientSocket: WebSocket) => void,
): Promise<void> {
  const { client, pool, trace, inBackground } = carried;
  const relay = new WebSocketRelay(server, connection, { ...pool, share: () => new MemoryShare() });
  lease.onLost = (why) => {
    // Even if it then ends as it should.
    trace.outcome = "cut-off";
    if (why === "cut") relay.closeBoth();
    else connection.cut(why);
  };
  respond(relay.clientSocket);
  if (client.aborted || trace.status !== 101) relay.abandonClient();
  else client.addEventListener("abort", () => relay.abandonClient());
  const how = await relay.serverEnd;
  const ending = lease.end(how === "done" ? { how, status: 101 } : { how });
  inBackground(ending);
  trace.bytes = relay.bytes;
  if (trace.outcome === "ok") trace.outcome = relay.clientLeft ? "client-abort-in-flight" : OUTCOMES[how];
  // Breaking off drops messages to the pool. `done` may share its message with the ends of other requests, so it must
  // arrive first. Any other end may get lost if a side floods us, because the pool also learns of it without a message.
  const cannotWait = how === "done" ? ending : relay.flooded;
  await Promise.race([ending, cannotWait]);
  if (!(await relay.untilClientClosed())) carried.responder.breakOff("The WebSocket broke off.", cannotWait);
}

const OUTCOMES: Record<WebSocketEnd, Outcome> = {
  done: "ok",
  broken: "origin-error",
  timeout: "server-timeout",
  longest: "server-timeout",
  client: "client-abort-in-flight",
  stalled: "client-abort-in-flight",
  unreachable: "origin-error",
  lost: "cut-off",
  cut: "cut-off",
};
