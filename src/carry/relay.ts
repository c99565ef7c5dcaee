import type { Clock } from "../link/clock.ts";
import { ClientStream } from "./client-stream.ts";
import { BUFFER_BYTES, giveBuffer, takeBuffer } from "./memory.ts";
import type { Silence } from "./silence.ts";
import type { Upload } from "./upload.ts";

/** What a plain reader gives at most; it costs less than one that reads into our memory (workerd 2026-11-17). */
const PLAIN_READ_BYTES = 4 * 1024;

/**
 * A body up to this long goes to the client in one piece if it comes at once: a stream for it would cost more. No
 * longer, as nobody sees when a client takes it: it has to fit into what a socket takes.
 */
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
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
  readonly #length: number | null;
  readonly #ahead: number;
  readonly #toClient: ClientStream;
  readonly #upload: Upload | null;
  /** Under way since before there was a stream to the client. */
  #firstRead: Promise<ReadableStreamReadResult<Uint8Array>> | null = null;
  #isWhole = false;
  #bytes = 0;

  /**
   * `upload`: the server still takes it. Where the length is known, the last byte waits for its end: with the end of
   * the response, on either side, the runtime ends the request too (workerd 2026-11-17).
   */
  constructor(
    source: ReadableStream,
    length: number | null,
    { bufferResponseBytes, clientTimeoutMs }: { bufferResponseBytes: number; clientTimeoutMs: number },
    client: AbortSignal,
    upload: Upload | null = null,
  ) {
    const isPlain = length !== null && length <= PLAIN_READ_BYTES && upload === null;
    this.#reader = isPlain ? source.getReader() : source.getReader({ mode: "byob" });
    this.#length = length;
    this.#ahead = Math.max(1, bufferResponseBytes);
    this.#toClient = new ClientStream(client, clientTimeoutMs);
    this.#toClient.onFree = ({ buffer }) => giveBuffer(buffer);
    this.#upload = upload;
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

  /** Called when the client has left, or counts as gone since it takes nothing. */
  set onClientLeft(told: () => void) {
    this.#toClient.onLeft = told;
  }

  /** What the client gets: all of it, if it is small and comes at once; else a stream. */
  async open(clock: Clock): Promise<Uint8Array | ReadableStream> {
    if (
      this.#upload === null &&
      this.#length !== null &&
      this.#length <= Math.min(SMALL_BYTES, this.#ahead)
    ) {
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
    try {
      for (;;) {
        await this.#untilClientHasRoom(silence);
        if (this.#length !== null && this.#bytes === this.#length - 1) await this.#upload?.over;
        const { done, value } = await this.#read();
        silence.heard();
        if (value?.byteLength) this.#take(value);
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
        this.#firstRead = this.#readSome(Math.max(1, length - this.#bytes));
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

  async #untilClientHasRoom(silence: Silence): Promise<void> {
    if (!this.#toClient.isFull(this.#ahead)) return;
    silence.pause();
    await this.#toClient.untilNotFull(this.#ahead);
    silence.resume();
    silence.heard();
  }

  /** What the server has sent: each piece goes on as it comes. The last byte is left while the upload goes on. */
  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const holdsLast = this.#length !== null && this.#upload?.isOver() === false;
    const most = holdsLast ? Math.max(1, (this.#length as number) - 1 - this.#bytes) : BUFFER_BYTES;
    const read = await (this.#firstRead ?? this.#readSome(most));
    this.#firstRead = null;
    return read;
  }

  #readSome(most: number): Promise<ReadableStreamReadResult<Uint8Array>> {
    if (!("readAtLeast" in this.#reader)) return this.#reader.read();
    // Less than a buffer is mostly a whole body, which goes to the client as it is.
    const isSmall = most < BUFFER_BYTES;
    return this.#reader.read(new Uint8Array(isSmall ? new ArrayBuffer(most) : takeBuffer()));
  }

  #take(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength;
    if (!this.#toClient.push(bytes)) giveBuffer(bytes.buffer);
  }
}
