import { connect } from "cloudflare:sockets";

/** A connection to a server that carries nothing; it tells what `fetch` does not. Throws where it is not allowed. */
export function openSocket(origin: string): Socket {
  const { hostname, port, protocol } = new URL(origin);
  const socket = connect({ hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) });
  // `closed` rejects with `opened`, and nobody asks it.
  socket.closed.catch(() => {});
  return socket;
}
