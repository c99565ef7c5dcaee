import { Clock } from "../link/clock.ts";
import { Backlog, concat } from "./backlog.ts";
import { MemoryShare } from "./memory.ts";
import { Silence } from "./silence.ts";

/** A client that takes longer for a piece gets small ones, so that it shows progress before `client_timeout`. */
const SLOW_MS = 1_000;
const SMALL_PIECE_BYTES = 16 * 1024;

/**
 * Buffers a response's body for its client and streams it to it. A JavaScript stream, because the runtime's
 * `FixedLengthStream` copies each byte once more and costs a fifth more (workerd 2026-11-17).
 *
 * A client that reads nothing for `client_timeout` while bytes are buffered for it counts as gone.
 */
export class ClientStream {
  readonly #backlog = new Backlog();
  readonly #client: AbortSignal;
  readonly #clientTimeoutMs: number;
  readonly #share = new MemoryShare();
  readonly #delivered = Promise.withResolvers<void>();
  #clock: Clock | null = null;
  #clientSilence: Silence | null = null;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** The piece that the client is reading, and since when (ms since the epoch). */
  #reading: { piece: Uint8Array; since: number } | null = null;
  #isSlow = false;
  /** Bytes that the client has not read yet. */
  #unread = 0;
  #isComplete = false;
  #failure: { error: unknown } | null = null;
  #clientLeft = false;
  #isCutOff = false;
  #wakeReader: () => void = () => {};
  #wakeWriter: () => void = () => {};
  /** Called with a piece that the client has read, whose buffer is no longer in use. */
  onFree: (piece: Uint8Array) => void = () => {};
  /** Called when the client has disconnected, or counts as gone. */
  onLeft: () => void = () => {};

  constructor(client: AbortSignal, clientTimeoutMs: number) {
    this.#client = client;
    this.#clientTimeoutMs = clientTimeoutMs;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** `length`, in bytes, becomes the client's `Content-Length`; `null`: it gets chunks. */
  open(length: number | null): ReadableStream<Uint8Array> {
    this.#clock = new Clock();
    this.#clientSilence = new Silence(this.#clock, this.#clientTimeoutMs, () => this.#timeOut());
    if (this.#unread === 0) this.#clientSilence.pause();
    // If the client disconnected before the headers, the runtime neither pulls from the stream nor cancels it.
    if (this.#client.aborted) this.#leave();
    else this.#client.addEventListener("abort", () => this.#leave());
    return new ReadableStream<Uint8Array>(
      {
        ...(length === null ? {} : { expectedLength: length }),
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#leave(),
      },
      // Without a queue of the stream's own, a pull means that the client has read the previous piece.
      { highWaterMark: 0 },
    );
  }

  /** Returns true if the buffer of `bytes` is in use from now on, until `onFree`. */
  push(bytes: Uint8Array): boolean {
    if (this.#clientLeft) return false;
    if (this.#unread === 0) this.#clientSilence?.resume();
    this.#setUnread(this.#unread + bytes.byteLength);
    const isInUse = this.#backlog.push(bytes);
    this.#wakeReader();
    return isInUse;
  }

  /** Removes all buffered bytes, to answer with them instead of `open`. */
  takeAll(): Uint8Array {
    this.#share.hold(0);
    return concat(this.#backlog.takeAll());
  }

  end(): void {
    this.#isComplete = true;
    this.#wakeReader();
  }

  /** Breaks the client's body off with `error`, after the bytes that are buffered. */
  breakOff(error: unknown): void {
    this.#failure = { error };
    this.#wakeReader();
  }

  /** True if `bytes` more may be buffered ahead. */
  hasRoomFor(bytes: number): boolean {
    return this.#share.hasRoomFor(bytes);
  }

  /** True if no more may be buffered: `ahead` bytes are unread, or any where the isolate's memory is used up. */
  isFull(ahead: number): boolean {
    return !this.#clientLeft && this.#unread >= (this.hasRoomFor(SMALL_PIECE_BYTES) ? ahead : 1);
  }

  /** Resolves once more may be buffered, or the client has left, or nothing more comes from the server. */
  async untilNotFull(ahead: number): Promise<void> {
    while (this.isFull(ahead) && !this.#isCutOff) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
  }

  /** The server was cut off: nobody is to wait for room for what it sends. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#wakeWriter();
  }

  /** Resolves once the client has read everything, or has left. */
  get delivered(): Promise<void> {
    return this.#delivered.promise;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#finishReading();
    for (;;) {
      const piece = this.#backlog.shift(this.#isSlow ? SMALL_PIECE_BYTES : Number.POSITIVE_INFINITY);
      if (piece) {
        this.#reading = { piece, since: Date.now() };
        controller.enqueue(piece);
        return;
      }
      // Who still reads, as what stores the answer of a canceled request, would wait for ever.
      if (this.#clientLeft) throw new Error("the client has left");
      if (this.#failure) {
        this.#finish();
        throw this.#failure.error;
      }
      if (this.#isComplete) {
        controller.close();
        this.#finish();
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  #finishReading(): void {
    if (!this.#reading) return;
    const { piece, since } = this.#reading;
    this.#reading = null;
    this.#isSlow = Date.now() - since > SLOW_MS;
    this.#setUnread(this.#unread - piece.byteLength);
    this.#clientSilence?.reset();
    if (this.#unread === 0) this.#clientSilence?.pause();
    // The backlog's next piece may be the rest of this one, in the same buffer.
    if (!this.#backlog.beginsIn(piece.buffer)) this.onFree(piece);
    this.#wakeWriter();
  }

  #setUnread(bytes: number): void {
    this.#unread = bytes;
    this.#share.hold(bytes);
  }

  #timeOut(): void {
    this.#leave();
    this.#controller?.error(new Error("the client takes nothing"));
  }

  #leave(): void {
    if (this.#clientLeft) return;
    this.#clientLeft = true;
    this.#backlog.takeAll();
    this.#finish();
    this.#wakeWriter();
    this.#wakeReader();
    this.onLeft();
  }

  /** Nothing more is sent to the client. */
  #finish(): void {
    this.#clock?.stop();
    this.#setUnread(0);
    this.#delivered.resolve();
  }
}
