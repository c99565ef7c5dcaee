import { Backlog, joined } from "./backlog.ts";
import type { Clock } from "./clock.ts";
import type { Silence } from "./silence.ts";

const FIRST_READ_BYTES = 16 * 1024;
const LARGEST_READ_BYTES = 512 * 1024;

/** A body up to this long goes to the client in one piece if it comes at once: a stream for it would cost more. */
const SMALL_BYTES = 64 * 1024;
/** How long the headers wait for a small body. */
const AT_ONCE_MS = 20;

/**
 * Carries a response's body from the server to the client, byte for byte.
 *
 * The server is read as fast as it sends while no more than `ahead` bytes wait for the client, so that a slow
 * reader holds no slot. When the client leaves, the rest is read and thrown away: the server is done with its
 * request only at its last byte.
 */
export class Relay {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #length: number | null;
  readonly #ahead: number;
  readonly #client: AbortSignal;
  readonly #backlog = new Backlog();
  /** `null`: the body came at once, and is in the client's response. */
  #writer: WritableStreamDefaultWriter | null = null;
  /** Under way since before there was a stream to the client. */
  #firstRead: Promise<ReadableStreamReadResult<Uint8Array>> | null = null;
  /** The server had sent what was last asked of it already, or nearly. */
  #quick = false;
  #bytes = 0;
  /** Bytes that the client has not taken yet: the backlog and what is being written. */
  #waiting = 0;
  #delivering = false;
  #onProgress: () => void = () => {};
  #clientLeft = false;

  constructor(source: ReadableStream, length: number | null, ahead: number, client: AbortSignal) {
    this.#reader = source.getReader({ mode: "byob" });
    this.#length = length;
    this.#ahead = Math.max(1, ahead);
    this.#client = client;
  }

  /** Bytes that the server has sent so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** What the client gets: all of it, if it is small and comes at once; else a stream. */
  async open(clock: Clock): Promise<Uint8Array | ReadableStream> {
    if (this.#length !== null && this.#length <= Math.min(SMALL_BYTES, this.#ahead)) {
      if (await this.#cameAtOnce(this.#length, clock)) return joined(this.#backlog.takeAll());
    }
    // With a length the client gets a `Content-Length`, otherwise chunks.
    const { readable, writable } =
      this.#length === null ? new IdentityTransformStream() : new FixedLengthStream(this.#length);
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => this.#noteClientLeft());
    // A client that left before the headers never takes up its end, nor drops it.
    if (this.#client.aborted) this.#noteClientLeft();
    else this.#client.addEventListener("abort", () => this.#noteClientLeft());
    void this.#deliver();
    return readable;
  }

  /**
   * Resolves with the server's last byte, when the client may still be reading (`delivered`). Rejects when the
   * server breaks off; what the client gets is then cut off too.
   */
  async untilServerDone(silence: Silence): Promise<void> {
    if (!this.#writer) return;
    let size = FIRST_READ_BYTES;
    try {
      for (;;) {
        silence.pause();
        await this.#untilFewerWait(this.#ahead);
        silence.heard();
        const { done, value } = await this.#read(size);
        if (value?.byteLength) {
          if (value.byteLength >= size) size = Math.min(2 * size, LARGEST_READ_BYTES);
          else if (value.byteLength < size / 4) size = Math.max(size / 2, FIRST_READ_BYTES);
          if (!this.#clientLeft) {
            this.#take(value);
            void this.#deliver();
          } else this.#bytes += value.byteLength;
        }
        if (done || this.#bytes === this.#length) return;
      }
    } catch (error) {
      // The headers may be on their way only now; cut off before that, the client would not even get these.
      await scheduler.wait(0);
      this.#writer.abort(error).catch(() => {});
      throw error;
    }
  }

  /** Resolves once the client has everything, or has left. */
  async delivered(): Promise<void> {
    if (!this.#writer) return;
    await this.#untilFewerWait(1);
    if (this.#clientLeft) return;
    await this.#writer.close().catch(() => this.#noteClientLeft());
  }

  /** Whether all `length` bytes are in the backlog. A failure is left for `untilServerDone`, as is what is late. */
  async #cameAtOnce(length: number, clock: Clock): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const alarm = clock.set(AT_ONCE_MS, () => resolve(null));
    try {
      do {
        this.#firstRead = this.#reader.read(new Uint8Array(Math.max(1, length - this.#bytes)));
        const read = await Promise.race([this.#firstRead, late]);
        if (!read) return false;
        if (read.done) break;
        this.#firstRead = null;
        this.#take(read.value);
      } while (this.#bytes < length);
    } catch {
      return false;
    } finally {
      clock.cancel(alarm);
    }
    return this.#bytes === length;
  }

  /**
   * Up to `size` bytes; all of them, where the body's length is known and its server quick: each read costs a turn
   * of the event loop, and by itself gives no more than the server's last write.
   */
  async #read(size: number): Promise<ReadableStreamReadResult<Uint8Array>> {
    const left = this.#length === null ? 0 : this.#length - this.#bytes;
    const least = this.#quick && left > 0 ? Math.min(size, left) : 1;
    const askedAt = Date.now();
    const read = await (this.#firstRead ?? this.#reader.readAtLeast(least, new Uint8Array(size)));
    this.#firstRead = null;
    this.#quick = Date.now() - askedAt <= AT_ONCE_MS;
    return read;
  }

  #take(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength;
    this.#waiting += bytes.byteLength;
    this.#backlog.push(bytes);
  }

  /** One piece at a time; what comes meanwhile is put together. */
  async #deliver(): Promise<void> {
    if (this.#delivering || !this.#writer) return;
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
