import { openSocket } from "../pool/socket.ts";

const LAST_CHANCE_MS = 50;

/**
 * `false`: nothing has answered a connection to this server for `ms`, not even to refuse it. `fetch` does not tell a
 * connection that is not made from a server that says nothing; a second connection, which carries nothing, does.
 *
 * A server with a full backlog does not answer either, and may be at work on the request.
 *
 * A refusal says that somebody is there; Cloudflare's own addresses refuse every Worker's socket
 * (developers.cloudflare.com/workers/runtime-apis/tcp-sockets, 2026-11).
 */
export async function isReachable(url: string, ms: number): Promise<boolean> {
  let socket: Socket;
  try {
    socket = openSocket(url);
  } catch {
    return true;
  }
  const answered = socket.opened.then(
    () => true,
    () => true,
  );
  // It may be this machine that stood still: then the answer is there, and heard right after the timer.
  const waited = scheduler.wait(ms).then(() => scheduler.wait(LAST_CHANCE_MS));
  const reachable = await Promise.race([answered, waited.then(() => false)]);
  void socket.close().catch(() => {});
  return reachable;
}
