import { ClientStream } from "./client-stream.ts";
import type { Clock } from "./clock.ts";
import type { Silence } from "./silence.ts";

const FIRST_READ_BYTES = 16 * 1024;
const LARGEST_READ_BYTES = 512 * 1024;
/** What a plain reader gives at most; it costs less than one that reads into our memory (workerd 2026-11-17). */
const PLAIN_READ_BYTES = 4 * 1024;

/** A body up to this long goes to the client in one piece if it comes at once: a stream for it would cost more. */
const SMALL_BYTES = 256 * 1024;
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
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
  readonly #length: number | null;
  readonly #ahead: number;
  readonly #toClient: ClientStream;
  /** Under way since before there was a stream to the client. */
  #firstRead: Promise<ReadableStreamReadResult<Uint8Array>> | null = null;
  #isWhole = false;
  /** The server had sent what was last asked of it already, or nearly. */
  #quick = false;
  #bytes = 0;
  /** Memory of the largest size, to be read into again: new memory has to be cleared first. */
  readonly #spare: ArrayBufferLike[] = [];

  constructor(source: ReadableStream, length: number | null, ahead: number, client: AbortSignal) {
    const isPlain = length !== null && length <= PLAIN_READ_BYTES;
    this.#reader = isPlain ? source.getReader() : source.getReader({ mode: "byob" });
    this.#length = length;
    this.#ahead = Math.max(1, ahead);
    this.#toClient = new ClientStream(client);
    this.#toClient.onFree = (piece) => this.#reuse(piece);
  }

  /** Bytes that the server has sent so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All of it came at once, and is in the client's response. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get clientLeft(): boolean {
    return this.#toClient.clientLeft;
  }

  /** What the client gets: all of it, if it is small and comes at once; else a stream. */
  async open(clock: Clock): Promise<Uint8Array | ReadableStream> {
    if (this.#length !== null && this.#length <= Math.min(SMALL_BYTES, this.#ahead)) {
      const whole = await this.#cameAtOnce(this.#length, clock);
      this.#isWhole = whole !== null;
      if (whole) return whole;
    }
    return this.#toClient.open(this.#length);
  }

  /**
   * Resolves with the server's last byte, when the client may still be reading (`delivered`). Rejects when the
   * server breaks off; what the client gets is then cut off too.
   */
  async untilServerDone(silence: Silence): Promise<void> {
    if (this.#isWhole) return;
    let size = FIRST_READ_BYTES;
    try {
      for (;;) {
        silence.pause();
        await this.#toClient.untilFewerWait(this.#ahead);
        silence.heard();
        const { done, value } = await this.#read(size);
        if (value?.byteLength) {
          if (value.byteLength >= size) size = Math.min(2 * size, LARGEST_READ_BYTES);
          else if (value.byteLength < size / 4) size = Math.max(size / 2, FIRST_READ_BYTES);
          this.#take(value);
        }
        if (done || this.#bytes === this.#length) break;
      }
      this.#toClient.end();
    } catch (error) {
      // The headers may be on their way only now; cut off before that, the client would not even get these.
      await scheduler.wait(0);
      this.#toClient.breakOff(error);
      throw error;
    }
  }

  /** Resolves once the client has everything, or has left. */
  async delivered(): Promise<void> {
    if (!this.#isWhole) await this.#toClient.delivered;
  }

  /** All `length` bytes, or `null`. A failure is left for `untilServerDone`, as is what is late. */
  async #cameAtOnce(length: number, clock: Clock): Promise<Uint8Array | null> {
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const alarm = clock.set(AT_ONCE_MS, () => resolve(null));
    try {
      do {
        this.#firstRead = this.#readSome(1, Math.max(1, length - this.#bytes));
        const read = await Promise.race([this.#firstRead, late]);
        if (!read) return null;
        if (read.done) break;
        this.#firstRead = null;
        if (read.value.byteLength === length) {
          this.#bytes = length;
          return read.value;
        }
        this.#take(read.value);
      } while (this.#bytes < length);
    } catch {
      return null;
    } finally {
      clock.cancel(alarm);
    }
    return this.#bytes === length ? this.#toClient.takeAll() : null;
  }

  /**
   * Up to `size` bytes; all of them, where the body's length is known and its server quick: each read costs a turn
   * of the event loop, and by itself gives no more than the server's last write.
   */
  async #read(size: number): Promise<ReadableStreamReadResult<Uint8Array>> {
    const left = this.#length === null ? 0 : this.#length - this.#bytes;
    const least = this.#quick && left > 0 ? Math.min(size, left) : 1;
    const askedAt = Date.now();
    const read = await (this.#firstRead ?? this.#readSome(least, size));
    this.#firstRead = null;
    this.#quick = Date.now() - askedAt <= AT_ONCE_MS;
    return read;
  }

  #readSome(least: number, most: number): Promise<ReadableStreamReadResult<Uint8Array>> {
    if (!("readAtLeast" in this.#reader)) return this.#reader.read();
    return this.#reader.readAtLeast(least, new Uint8Array(this.#room(most)));
  }

  #room(size: number): ArrayBufferLike {
    const spare = size === LARGEST_READ_BYTES ? this.#spare.pop() : undefined;
    return spare ?? new ArrayBuffer(size);
  }

  #take(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength;
    if (!this.#toClient.push(bytes)) this.#reuse(bytes);
  }

  #reuse({ buffer }: Uint8Array): void {
    if (buffer.byteLength === LARGEST_READ_BYTES) this.#spare.push(buffer);
  }
}
