import type { Stage } from "./stage.ts";
import { acceptNext } from "./web-socket-peer.ts";

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
  "Sec-WebSocket-Version": 13,
};
