import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Origin } from "./origin.ts";

const OPCODES = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const PACKED = 0x40;
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
 * A server's end of a WebSocket, frame by frame: it answers nothing by itself, not even a close. (A library would
 * hide what this is about: who closes when, and with what.)
 */
export class WebSocketPeer {
  readonly request: IncomingMessage;
  readonly #socket: Socket;
  readonly #frames: Frame[] = [];
  readonly #came = new EventEmitter();
  #rest: Buffer;

  /** Accepts the upgrade, with these further response headers. */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer, headers: Record<string, string> = {}) {
    this.request = request;
    this.#socket = socket;
    this.#rest = head;
    const key = request.headers["sec-websocket-key"] + ACCEPT_SUFFIX;
    const all = {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Accept": createHash("sha1").update(key).digest("base64"),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
    socket.on("data", (data: Buffer) => this.#read(data));
    socket.on("error", () => {});
  }

  send(kind: Frame["kind"], data: string | Uint8Array = "", packed = false): void {
    const bytes =
      typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
    const head = Buffer.alloc(bytes.length < 126 ? 2 : 10);
    head[0] = 0x80 | (packed ? PACKED : 0) | OPCODES[kind];
    head[1] = 127;
    if (bytes.length >= 126) head.writeBigUInt64BE(BigInt(bytes.length), 2);
    else head[1] = bytes.length;
    this.#socket.write(Buffer.concat([head, bytes]));
  }

  sendClose(code?: number, reason = ""): void {
    const head = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) head.writeUInt16BE(code);
    this.send("close", Buffer.concat([head, Buffer.from(reason)]));
  }

  /** The next frame from the other side. */
  async frame(): Promise<Frame> {
    while (this.#frames.length === 0) await once(this.#came, "frame");
    return this.#frames.shift() as Frame;
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let frame = this.#parse(); frame; frame = this.#parse()) {
      this.#frames.push(frame);
      this.#came.emit("frame");
    }
  }

  #parse(): Frame | null {
    const bytes = this.#rest;
    if (bytes.length < 2) return null;
    const short = (bytes[1] as number) & 0x7f;
    const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (bytes.length < start + 4) return null;
    const length =
      short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (bytes.length < start + 4 + length) return null;
    const mask = bytes.subarray(start, start + 4);
    const data = Buffer.from(bytes.subarray(start + 4, start + 4 + length));
    for (const index of data.keys()) data[index] = (data[index] as number) ^ (mask[index % 4] as number);
    this.#rest = bytes.subarray(start + 4 + length);
    const opcode = (bytes[0] as number) & 0x0f;
    const kind = (Object.keys(OPCODES) as Frame["kind"][]).find((name) => OPCODES[name] === opcode);
    if (!kind) throw new Error(`unexpected opcode ${opcode}`);
    const packed = ((bytes[0] as number) & PACKED) !== 0;
    if (kind !== "close") return { kind, data, packed };
    const code = data.length >= 2 ? data.readUInt16BE(0) : 1005;
    return { kind, data, packed, code, reason: data.subarray(2).toString() };
  }
}

/** Accepts the next upgrade that comes to the origin. */
export function acceptNext(origin: Origin, headers: Record<string, string> = {}): Promise<WebSocketPeer> {
  return new Promise((resolve) => {
    origin.onUpgrade((...upgrade) => resolve(new WebSocketPeer(...upgrade, headers)));
  });
}
