/**
 * Questions that `fetch` cannot answer and a bare TCP connection can; nothing is sent on it. Cloudflare's own addresses
 * refuse every Worker's socket (developers.cloudflare.com/workers/runtime-apis/tcp-sockets, 2026-11).
 */
import { connect } from "cloudflare:sockets";

/** How long the event loop gets, in ms, to deliver an answer that arrived while this machine stood still. */
const GRACE_MS = 50;

/**
 * True if the server refuses connections. Called after a `fetch` to it has thrown `fetchError`, which does not say: its
 * "Network connection lost." stands for a refused connection as well as for one that the server broke off. `opened` of
 * a socket, however, rejects at once if the connection is refused (workerd 2026-11-17). A host name that cannot be
 * resolved has another message, and counts as not refused. Rejects if the runtime does not allow a socket.
 */
export async function refuses(origin: string, fetchError: unknown): Promise<boolean> {
  if (!isConnectionLost(fetchError)) return false;
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
 * False if nothing has answered a connection to this server for `ms`, not even with a refusal. `fetch` does not tell a
 * connection that cannot be made from a server that is slow to answer. A server whose accept backlog is full does not
 * answer either, although it may be at work on the request. True if the runtime does not allow a socket. Never rejects.
 */
export async function isReachable(url: string, ms: number): Promise<boolean> {
  let socket: Socket;
  try {
    socket = openSocket(url);
  } catch {
    return true;
  }
  // A refusal shows that the host is there.
  const answered = socket.opened.then(
    () => true,
    () => true,
  );
  // If this machine stood still, an answer may be there already and only be delivered after the timer.
  const timeout = scheduler.wait(ms).then(() => scheduler.wait(GRACE_MS));
  const reachable = await Promise.race([answered, timeout.then(() => false)]);
  void socket.close().catch(() => {});
  return reachable;
}

/** Throws if the runtime does not allow a socket to this address. */
function openSocket(url: string): Socket {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({ hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) });
  // `closed` rejects together with `opened`, and nobody awaits it: that would be an unhandled rejection.
  socket.closed.catch(() => {});
  return socket;
}

/** True if `fetch` had a connection, or was refused one: it does not say which. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Network connection lost");
}
