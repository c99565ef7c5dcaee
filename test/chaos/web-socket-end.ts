import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";

const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10];
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** `code` is 1005 where a close has none. */
export type Frame = { kind: "text"; text: string } | { kind: "close"; code: number };

/** What the server's 101 proves that it has read (RFC 6455, 4.2.2). */
export function acceptFor(key: string | undefined): string {
  return createHash("sha1").update(`${key}${ACCEPT_SUFFIX}`).digest("base64");
}

/** One end of a WebSocket, of short messages: when it closes, and how long it takes to answer a close, is its owner's. */
export class WebSocketEnd {
  readonly #socket: Socket;
  readonly #masks: boolean;
  readonly #frames: Frame[] = [];
  #bytes: Buffer;
  #hasEnded = false;
  #wake = () => {};

  /** `masks`: as a client does, and no server. */
  constructor(socket: Socket, head: Buffer, masks: boolean) {
    this.#socket = socket;
    this.#masks = masks;
    this.#bytes = head;
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.once("end", () => this.#end());
    socket.once("close", () => this.#end());
    // A kill may have come first.
    if (socket.destroyed) this.#end();
    this.#read(Buffer.alloc(0));
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  close(code: number): void {
    const data = Buffer.alloc(2);
    data.writeUInt16BE(code);
    this.#write(CLOSE, data);
  }

  /** The next frame from the other side; `null`: there is none, its connection has ended. */
  async next(): Promise<Frame | null> {
    while (this.#frames.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#frames.shift() ?? null;
  }

  hangUp(): void {
    this.#socket.end();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  #write(opcode: number, data: Buffer): void {
    if (!this.#socket.writable) return;
    const head = data.length < 126 ? Buffer.from([0, data.length]) : Buffer.from([0, 126, 0, 0]);
    if (data.length >= 126) head.writeUInt16BE(data.length, 2);
    head[0] = 0x80 | opcode;
    if (!this.#masks) return void this.#socket.write(Buffer.concat([head, data]));
    head[1] = (head[1] as number) | 0x80;
    const mask = randomBytes(4);
    this.#socket.write(Buffer.concat([head, mask, masked(data, mask)]));
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let size = this.#take(); size > 0; size = this.#take()) this.#bytes = this.#bytes.subarray(size);
    this.#wake();
  }

  /** Takes in a whole frame, if there is one. Returns its size. */
  #take(): number {
    const bytes = this.#bytes;
    if (bytes.length < 2) return 0;
    const [first, second] = [bytes[0] as number, bytes[1] as number];
    const isLong = (second & 0x7f) === 126;
    const maskAt = isLong ? 4 : 2;
    if (bytes.length < maskAt) return 0;
    const length = isLong ? bytes.readUInt16BE(2) : second & 0x7f;
    const dataAt = maskAt + (second & 0x80 ? 4 : 0);
    if (bytes.length < dataAt + length) return 0;
    this.#came(first & 0x0f, masked(bytes.subarray(dataAt, dataAt + length), bytes.subarray(maskAt, dataAt)));
    return dataAt + length;
  }

  #came(opcode: number, data: Buffer): void {
    if (opcode === TEXT) this.#frames.push({ kind: "text", text: data.toString() });
    if (opcode === CLOSE) {
      this.#frames.push({ kind: "close", code: data.length >= 2 ? data.readUInt16BE(0) : 1005 });
    }
    if (opcode === PING) this.#write(PONG, data);
  }
}

/** The same takes a mask off as puts it on; an empty one changes nothing. */
function masked(data: Buffer, mask: Buffer): Buffer {
  return Buffer.from(data.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
}
