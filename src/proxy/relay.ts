import { Backlog } from "./backlog.ts";
import type { Silence } from "./silence.ts";

const FIRST_READ_BYTES = 16 * 1024;
const LARGEST_READ_BYTES = 256 * 1024;

/**
 * Carries a response's body from the server to the client, byte for byte.
 *
 * The server is read as fast as it sends while no more than `ahead` bytes wait for the client, so that a slow
 * reader holds no slot. When the client leaves, the rest is read and thrown away: the server is done with its
 * request only at its last byte.
 */
export class Relay {
  /** What the client reads. */
  readonly readable: ReadableStream;
  readonly #source: ReadableStream;
  readonly #writer: WritableStreamDefaultWriter;
  readonly #ahead: number;
  readonly #backlog = new Backlog();
  #bytes = 0;
  /** Bytes that the client has not taken yet: the backlog and what is being written. */
  #waiting = 0;
  #delivering = false;
  #onProgress: () => void = () => {};
  #clientLeft = false;

  /** With a `length` the client gets a `Content-Length`, otherwise chunks. */
  constructor(source: ReadableStream, length: number | null, ahead: number, client: AbortSignal) {
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(length);
    this.readable = readable;
    this.#source = source;
    this.#ahead = Math.max(1, ahead);
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => this.#noteClientLeft());
    // A client that left before the headers never takes up its end, nor drops it.
    if (client.aborted) this.#noteClientLeft();
    else client.addEventListener("abort", () => this.#noteClientLeft());
  }

  /** Bytes that the server has sent so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /**
   * Resolves with the server's last byte, when the client may still be reading (`delivered`). Rejects when the
   * server breaks off; what the client gets is then cut off too.
   */
  async untilServerDone(silence: Silence): Promise<void> {
    const reader = this.#source.getReader({ mode: "byob" });
    let size = FIRST_READ_BYTES;
    try {
      for (;;) {
        silence.pause();
        await this.#untilFewerWait(this.#ahead);
        silence.heard();
        const { done, value } = await reader.read(new Uint8Array(size));
        if (done) return;
        this.#bytes += value.byteLength;
        if (value.byteLength === size) size = Math.min(2 * size, LARGEST_READ_BYTES);
        else if (value.byteLength < size / 4) size = Math.max(size / 2, FIRST_READ_BYTES);
        if (this.#clientLeft) continue;
        this.#waiting += value.byteLength;
        this.#backlog.push(value);
        void this.#deliver();
      }
    } catch (error) {
      this.#writer.abort(error).catch(() => {});
      throw error;
    }
  }

  /** Resolves once the client has everything, or has left. */
  async delivered(): Promise<void> {
    await this.#untilFewerWait(1);
    if (this.#clientLeft) return;
    await this.#writer.close().catch(() => this.#noteClientLeft());
  }

  /** One piece at a time; what comes meanwhile is put together. */
  async #deliver(): Promise<void> {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let piece = this.#backlog.shift(); piece; piece = this.#backlog.shift()) {
        await this.#writer.write(piece);
        this.#waiting -= piece.byteLength;
        this.#onProgress();
      }
    } catch {
      this.#noteClientLeft();
    }
    this.#delivering = false;
  }

  /**
   * Resolves once fewer bytes wait for the client, or it has left. The writer's own `ready` is of no use: one
   * that is awaited never resolves if a write ends while too much still waits (workerd 2026-11-17).
   */
  async #untilFewerWait(bytes: number): Promise<void> {
    while (!this.#clientLeft && this.#waiting >= bytes) {
      await new Promise<void>((resolve) => {
        this.#onProgress = resolve;
      });
    }
  }

  #noteClientLeft(): void {
    this.#clientLeft = true;
    this.#backlog.takeAll();
    this.#onProgress();
  }
}
