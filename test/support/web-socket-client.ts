import { once } from "node:events";
import type { Socket } from "node:net";
import { begin } from "./client.ts";
import type { Origin } from "./origin.ts";
import { acceptNext, WebSocketPeer } from "./web-socket-peer.ts";

/** A server that the test plays, and the Sluice in front of it. */
interface Stage {
  origin: Origin;
  sluice: { url: string };
}

/** Both ends of a WebSocket through Sluice, open. */
export async function openWebSocket(
  stage: Stage,
  path = "/ws",
  { protocols = [], accept = {} }: { protocols?: string[]; accept?: Record<string, string> } = {},
) {
  const accepted = acceptNext(stage.origin, accept);
  const client = new WebSocket(stage.sluice.url.replace("http", "ws") + path, protocols);
  client.binaryType = "arraybuffer";
  const open = next(client, "open");
  const server = await accepted;
  await open;
  return { client, server };
}

/** The same with a client that shows its frames, and can break every rule. */
export async function openPeers(stage: Stage, { path = "/ws", headers = {} } = {}) {
  const accepted = acceptNext(stage.origin);
  const { request, response } = begin(stage.sluice.url, { path, headers: { ...UPGRADE, ...headers } });
  request.end();
  const refused = response.then(({ statusCode }) => {
    throw new Error(`no WebSocket but an answer, ${statusCode}`);
  });
  const upgraded = once(request, "upgrade") as Promise<[unknown, Socket, Buffer]>;
  const [server, [, socket, head]] = await Promise.race([Promise.all([accepted, upgraded]), refused]);
  return { client: new WebSocketPeer(socket, head, { masks: true }), server };
}

/** The next event of this kind. */
export function next<K extends keyof WebSocketEventMap>(
  socket: WebSocket,
  name: K,
): Promise<WebSocketEventMap[K]> {
  return new Promise((resolve) => socket.addEventListener(name, resolve, { once: true }));
}

/** Headers of a client that has no WebSocket of its own. */
export const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};
