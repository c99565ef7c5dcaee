/**
 * What a bare TCP connection tells of a server, which `fetch` does not. Nothing is sent on it. Cloudflare's own
 * addresses refuse every Worker's socket (developers.cloudflare.com/workers/runtime-apis/tcp-sockets, 2026-11).
 */
import { connect } from "cloudflare:sockets";

const LAST_CHANCE_MS = 50;

/**
 * Whether nothing listens where a `fetch` has just thrown. `fetch` says "Network connection lost." both of a refused
 * connection and of one that the server broke off; of a name that cannot be resolved it says something else. `connect`
 * tells: `opened` rejects at once where the connection is refused (workerd 2026-11-17).
 */
export async function refuses(origin: string, thrown: unknown): Promise<boolean> {
  if (!isConnectionLost(thrown)) return false;
  const socket = openSocket(origin);
  try {
    await socket.opened;
  } catch {
    return true;
  }
  await socket.close();
  return false;
}

/**
 * `false`: nothing has answered a connection to this server for `ms`, not even to refuse it. `fetch` does not tell a
 * connection that is not made from a server that says nothing. A server with a full backlog does not answer either, and
 * may be at work on the request.
 */
export async function isReachable(url: string, ms: number): Promise<boolean> {
  let socket: Socket;
  try {
    socket = openSocket(url);
  } catch {
    return true;
  }
  // A refusal says that somebody is there.
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

/** Throws where a connection is not allowed. */
function openSocket(url: string): Socket {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({ hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) });
  // `closed` rejects with `opened`, and nobody asks it.
  socket.closed.catch(() => {});
  return socket;
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Network connection lost");
}
