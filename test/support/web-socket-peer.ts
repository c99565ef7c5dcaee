import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Origin } from "./origin.ts";

const OPCODES = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const FINAL = 0x80;
const PACKED = 0x40;
const MASKED = 0x80;
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export interface Frame {
  kind: keyof typeof OPCODES;
  data: Buffer;
  /** As permessage-deflate says it: `data` is still packed. */
  packed: boolean;
  /** Of a close frame; 1005 where it has none. */
  code?: number;
  reason?: string;
}

/**
 * One end of a WebSocket, frame by frame: it answers nothing by itself, not even a close. (A library would hide what
 * this is about: who closes when, and with what.)
 */
export class WebSocketPeer {
  /** Resolves once the other side has ended the connection. */
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #masks: boolean;
  readonly #frames: Frame[] = [];
  readonly #came = new EventEmitter();
  #chunks: Buffer[];
  /** Bytes of the next frame, as far as they are known. */
  #needed = 2;

  /** `masks`: as a client has to. */
  constructor(socket: Socket, head: Buffer, { masks }: { masks: boolean }) {
    this.#socket = socket;
    this.#masks = masks;
    this.#chunks = [head];
    this.gone = new Promise((resolve) => {
      for (const event of ["end", "close"]) socket.once(event, () => resolve());
    });
    socket.on("data", (data: Buffer) => this.#read(data));
    socket.on("error", () => {});
    // What came with the handshake.
    queueMicrotask(() => this.#read(Buffer.alloc(0)));
  }

  send(kind: Frame["kind"], data: string | Uint8Array = "", packed = false): void {
    this.sendRaw(FINAL | (packed ? PACKED : 0) | OPCODES[kind], data);
  }

  /** A frame with this first byte, whatever it may mean. Resolves with whether the connection has taken it. */
  sendRaw(first: number, data: string | Uint8Array = ""): Promise<boolean> {
    const bytes =
      typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
    const head = Buffer.alloc(bytes.length < 126 ? 2 : 10);
    head[0] = first;
    head[1] = (this.#masks ? MASKED : 0) | Math.min(bytes.length, 127);
    if (bytes.length >= 126) {
      head[1] |= 127;
      head.writeBigUInt64BE(BigInt(bytes.length), 2);
    }
    // Masked with zeros, it stays as it is.
    const mask = Buffer.alloc(this.#masks ? 4 : 0);
    const whole = Buffer.concat([head, mask, bytes]);
    return new Promise((resolve) => this.#socket.write(whole, (error) => resolve(!error)));
  }

  sendClose(code?: number, reason: string | Uint8Array = ""): void {
    const head = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) head.writeUInt16BE(code);
    this.send("close", Buffer.concat([head, Buffer.from(reason as string)]));
  }

  /** The next frame from the other side. */
  async frame(): Promise<Frame> {
    while (this.#frames.length === 0) await once(this.#came, "frame");
    return this.#frames.shift() as Frame;
  }

  /** Frames that came and that nobody has looked at. */
  get unread(): number {
    return this.#frames.length;
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#chunks.push(data);
    const length = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length < this.#needed) return;
    let rest = Buffer.concat(this.#chunks);
    for (let end = endOf(rest); end <= rest.length; end = endOf(rest)) {
      this.#frames.push(frameOf(rest.subarray(0, end)));
      this.#came.emit("frame");
      rest = rest.subarray(end);
    }
    this.#chunks = [rest];
    this.#needed = endOf(rest);
  }
}

/** Where the payload of the frame begins that begins these bytes, after its mask. */
function payloadOf(bytes: Buffer): number {
  const second = bytes[1] as number;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second & MASKED ? 4 : 0);
}

/** Where that frame ends, as far as these bytes tell. */
function endOf(bytes: Buffer): number {
  if (bytes.length < 2) return 2;
  const start = payloadOf(bytes);
  if (bytes.length < start) return start;
  const short = (bytes[1] as number) & 0x7f;
  if (short === 126) return start + bytes.readUInt16BE(2);
  return start + (short === 127 ? Number(bytes.readBigUInt64BE(2)) : short);
}

function unmask(data: Buffer, mask: Buffer): void {
  for (let index = 0; index < data.length; index++) {
    data[index] = (data[index] as number) ^ (mask[index & 3] as number);
  }
}

function frameOf(bytes: Buffer): Frame {
  const [first = 0, second = 0] = bytes;
  const start = payloadOf(bytes);
  const data = Buffer.from(bytes.subarray(start));
  if (second & MASKED) unmask(data, bytes.subarray(start - 4, start));
  const opcode = first & 0x0f;
  const kind = (Object.keys(OPCODES) as Frame["kind"][]).find((name) => OPCODES[name] === opcode);
  if (!kind) throw new Error(`unexpected opcode ${opcode}`);
  const packed = (first & PACKED) !== 0;
  if (kind !== "close") return { kind, data, packed };
  const code = data.length >= 2 ? data.readUInt16BE(0) : 1005;
  return { kind, data, packed, code, reason: data.subarray(2).toString() };
}

/** A server's end. */
export class WebSocketServerPeer extends WebSocketPeer {
  readonly request: IncomingMessage;

  /** Accepts the upgrade, with these further response headers. */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer, headers: Record<string, string> = {}) {
    super(socket, head, { masks: false });
    this.request = request;
    const key = request.headers["sec-websocket-key"] + ACCEPT_SUFFIX;
    const all = {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Accept": createHash("sha1").update(key).digest("base64"),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
  }
}

/** Accepts the next upgrade that comes to the origin. */
export function acceptNext(
  origin: Origin,
  headers: Record<string, string> = {},
): Promise<WebSocketServerPeer> {
  return new Promise((resolve) => {
    origin.onUpgrade((...upgrade) => resolve(new WebSocketServerPeer(...upgrade, headers)));
  });
}
