import type { Ending } from "../pool/protocol.ts";

/** How long a server may take to answer a close, before its slot counts as cut off. */
const CLOSE_ANSWER_MS = 10_000;

export interface WebSocketRelay {
  /** The end that goes into the response. */
  client: WebSocket;
  /** Resolves once the server's side is closed, with how it came about. */
  ended: Promise<Ending>;
  /** Bytes and characters the server has sent. */
  readonly bytes: number;
}

/** Passes messages and closes both ways, and knows when the server is done: the slot is held until then. */
export function relayWebSocket(server: WebSocket): WebSocketRelay {
  const pair = new WebSocketPair();
  const [client, near] = [pair[0], pair[1]];
  const { promise: ended, resolve: end } = Promise.withResolvers<Ending>();
  let bytes = 0;
  // The default, a Blob, would make sending on asynchronous and lose the order (since 2026-03-17).
  near.binaryType = "arraybuffer";
  server.binaryType = "arraybuffer";
  // Else the runtime answers closes by itself, before the other side has (since 2026-04-07).
  near.accept({ allowHalfOpen: true });
  server.accept({ allowHalfOpen: true });

  near.addEventListener("message", (event) => trySend(server, event.data));
  server.addEventListener("message", (event) => {
    bytes += typeof event.data === "string" ? event.data.length : event.data.byteLength;
    trySend(near, event.data);
  });
  near.addEventListener("close", (event) => {
    close(server, event);
    setTimeout(() => end("client"), CLOSE_ANSWER_MS);
  });
  server.addEventListener("close", (event) => {
    close(near, event);
    end(event.code === ABNORMAL ? "broken" : "done");
  });
  near.addEventListener("error", () => close(server, { code: GOING_AWAY, reason: "" }));
  server.addEventListener("error", () => {
    close(near, { code: SERVER_ERROR, reason: "" });
    end("broken");
  });
  return {
    client,
    ended,
    get bytes() {
      return bytes;
    },
  };
}

const NO_STATUS = 1005;
const ABNORMAL = 1006;
const GOING_AWAY = 1001;
const SERVER_ERROR = 1011;

/** Codes that stand for "none was sent" may not be sent; the closest that says the same goes instead. */
function close(socket: WebSocket, { code, reason }: { code: number; reason: string }): void {
  try {
    if (code === NO_STATUS) socket.close();
    else if (code === ABNORMAL) socket.close(SERVER_ERROR, "the other side broke off");
    else socket.close(code, reason);
  } catch {
    // Closed already.
  }
}

function trySend(socket: WebSocket, data: string | ArrayBuffer): void {
  try {
    socket.send(data);
  } catch {
    // Closing: its close event follows and is passed on.
  }
}
