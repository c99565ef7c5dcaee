import type { Clock } from "../link/clock.ts";
import { ClientStream } from "./client-stream.ts";
import { BUFFER_BYTES, giveBuffer, takeBuffer } from "./memory.ts";
import type { Silence } from "./silence.ts";
import type { Upload } from "./upload.ts";

/** The most that a default reader returns; it costs less than a BYOB reader (workerd 2026-11-17). */
const PLAIN_READ_BYTES = 4 * 1024;

/**
 * A body of at most this many bytes goes to the client in one piece if it arrives within `AT_ONCE_MS`, because a stream
 * costs more. It must fit into the socket's buffer: nothing shows when, or whether, the client reads it.
 */
const SMALL_BYTES = 64 * 1024;
/** How long the headers wait for a small body. */
const AT_ONCE_MS = 20;

/**
 * Carries a response's body from the server to the client, byte for byte.
 *
 * The server is read as fast as it sends, while at most `buffer_response` bytes are buffered for the client: so a slow
 * client holds no slot. If the client disconnects, the rest is read and thrown away, because the server is done with
 * the request only at its last byte.
 */
export class Relay {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
  readonly #length: number | null;
  readonly #ahead: number;
  readonly #toClient: ClientStream;
  readonly #upload: Upload | null;
  /** A read that `#readAtOnce` began and did not wait for. */
  #pendingRead: Promise<ReadableStreamReadResult<Uint8Array>> | null = null;
  #isOnePiece = false;
  #bytes = 0;

  /**
   * `length`: of the body, in bytes; `null`: unknown. `upload`: one that goes on while the server answers. If the
   * length is known, the last byte is then held back until the upload is over: as soon as the response ends, on either
   * side, the runtime ends the request too (workerd 2026-11-17).
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

  /** True if `open` has returned the whole body: the server is done. */
  get isOnePiece(): boolean {
    return this.#isOnePiece;
  }

  get clientLeft(): boolean {
    return this.#toClient.clientLeft;
  }

  /** Called when the client has disconnected, or counts as gone because it reads nothing. */
  set onClientLeft(callback: () => void) {
    this.#toClient.onLeft = callback;
  }

  /** Returns the body for the client: the bytes if it is small and arrives at once, a stream otherwise. */
  async open(clock: Clock): Promise<Uint8Array | ReadableStream> {
    if (
      this.#upload === null &&
      this.#length !== null &&
      this.#length <= Math.min(SMALL_BYTES, this.#ahead)
    ) {
      const body = await this.#readAtOnce(this.#length, clock);
      this.#isOnePiece = body !== null;
      if (body) return body;
    }
    return this.#toClient.open(this.#length);
  }

  /**
   * Resolves with the server's last byte, when the client may still be reading (`delivered`). If the server breaks off,
   * it breaks the client's body off too, and rejects. `silence`: of the server. `signal`: aborted when the server is cut
   * off; that a client reads nothing does not hide it.
   */
  async untilServerDone(silence: Silence, signal: AbortSignal): Promise<void> {
    if (this.#isOnePiece) return;
    try {
      signal.addEventListener("abort", () => this.#toClient.cutOff());
      for (;;) {
        await this.#untilClientHasRoom(silence);
        signal.throwIfAborted();
        if (this.#length !== null && this.#bytes === this.#length - 1) await this.#upload?.over;
        const { done, value } = await this.#read();
        silence.reset();
        if (value?.byteLength) this.#passOn(value);
        if (done || this.#bytes === this.#length) break;
      }
      this.#toClient.end();
    } catch (error) {
      // If the body breaks off before the headers are sent, the client does not even get these.
      await scheduler.wait(0);
      this.#toClient.breakOff(error);
      throw error;
    }
  }

  /** Resolves once the client has read everything, or has left. */
  async delivered(): Promise<void> {
    if (!this.#isOnePiece) await this.#toClient.delivered;
  }

  /** Returns all `length` bytes; `null` if they are late or the server fails, which is left to `untilServerDone`. */
  async #readAtOnce(length: number, clock: Clock): Promise<Uint8Array | null> {
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const alarm = clock.set(AT_ONCE_MS, () => resolve(null));
    try {
      do {
        this.#pendingRead = this.#readSome(Math.max(1, length - this.#bytes));
        const read = await Promise.race([this.#pendingRead, late]);
        if (!read) return null;
        if (read.done) break;
        this.#pendingRead = null;
        if (read.value.byteLength === length) {
          this.#bytes = length;
          return read.value;
        }
        this.#passOn(read.value);
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
    silence.reset();
  }

  /** Reads the next piece, whatever its size. Leaves the last byte while the upload goes on. */
  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const leavesLast = this.#length !== null && this.#upload?.isOver() === false;
    const most = leavesLast ? Math.max(1, (this.#length as number) - 1 - this.#bytes) : BUFFER_BYTES;
    const read = await (this.#pendingRead ?? this.#readSome(most));
    this.#pendingRead = null;
    return read;
  }

  #readSome(most: number): Promise<ReadableStreamReadResult<Uint8Array>> {
    if (!("readAtLeast" in this.#reader)) return this.#reader.read();
    // A short read is mostly of a whole body. The client gets its buffer as it is, so it must not be a shared one.
    const isSmall = most < BUFFER_BYTES;
    return this.#reader.read(new Uint8Array(isSmall ? new ArrayBuffer(most) : takeBuffer()));
  }

  #passOn(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength;
    if (!this.#toClient.push(bytes)) giveBuffer(bytes.buffer);
  }
}
