import { Clock } from "../link/clock.ts";
import { Backlog, joined } from "./backlog.ts";
import { MemoryShare } from "./memory.ts";
import { Silence } from "./silence.ts";

/** A client that takes longer than this for a piece gets small ones: how it gets on shows only piece by piece. */
const SLOW_MS = 1_000;
const SMALL_PIECE_BYTES = 16 * 1024;

/**
 * The bytes of a response on their way to its client: what waits for it, and the stream that it takes them from. A
 * stream of our own: each byte that goes through the runtime's `FixedLengthStream` is copied once more there, and
 * costs a fifth more (workerd 2026-11-17).
 *
 * A client that takes nothing for `client_timeout` while something waits for it counts as gone.
 */
export class ClientStream {
  readonly #backlog = new Backlog();
  readonly #client: AbortSignal;
  readonly #clientTimeoutMs: number;
  readonly #share = new MemoryShare();
  readonly #delivered = Promise.withResolvers<void>();
  #clock: Clock | null = null;
  #patience: Silence | null = null;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** What the client is taking, since when. */
  #given: { piece: Uint8Array; at: number } | null = null;
  #isSlow = false;
  /** Bytes that it has not taken yet. */
  #waiting = 0;
  #ended = false;
  #broken: { error: unknown } | null = null;
  #clientLeft = false;
  #onMore: () => void = () => {};
  #onTaken: () => void = () => {};
  /** A piece that the client has taken: its memory is free. */
  onFree: (piece: Uint8Array) => void = () => {};
  /** The client has left, or counts as gone. */
  onLeft: () => void = () => {};

  constructor(client: AbortSignal, clientTimeoutMs: number) {
    this.#client = client;
    this.#clientTimeoutMs = clientTimeoutMs;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** With a length the client gets a `Content-Length`, otherwise chunks. */
  open(length: number | null): ReadableStream<Uint8Array> {
    this.#clock = new Clock();
    this.#patience = new Silence(this.#clock, this.#clientTimeoutMs, () => this.#giveUp());
    if (this.#waiting === 0) this.#patience.pause();
    // A client that left before the headers never takes up its end, nor drops it.
    if (this.#client.aborted) this.#leave();
    else this.#client.addEventListener("abort", () => this.#leave());
    return new ReadableStream<Uint8Array>(
      {
        ...(length === null ? {} : { expectedLength: length }),
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => this.#give(controller),
        cancel: () => this.#leave(),
      },
      // Nothing is given before it is asked for: that it is asked for says that the client has the last piece.
      { highWaterMark: 0 },
    );
  }

  /** Whether the memory of `bytes` is in use from now on, until `onFree`. */
  push(bytes: Uint8Array): boolean {
    if (this.#clientLeft) return false;
    if (this.#waiting === 0) this.#patience?.resume();
    this.#setWaiting(this.#waiting + bytes.byteLength);
    const kept = this.#backlog.push(bytes);
    this.#onMore();
    return kept;
  }

  /** All that waits, instead of the stream. */
  takeAll(): Uint8Array {
    this.#share.hold(0);
    return joined(this.#backlog.takeAll());
  }

  end(): void {
    this.#ended = true;
    this.#onMore();
  }

  /** The client gets what waits, and is cut off then. */
  breakOff(error: unknown): void {
    this.#broken = { error };
    this.#onMore();
  }

  /** Whether that much more may be buffered ahead. */
  hasRoomFor(bytes: number): boolean {
    return this.#share.hasRoomFor(bytes);
  }

  /** As many bytes as may wait do. Where the isolate's memory is used up, that is any. */
  isFull(ahead: number): boolean {
    return !this.#clientLeft && this.#waiting >= (this.hasRoomFor(SMALL_PIECE_BYTES) ? ahead : 1);
  }

  /** Resolves once more may wait, or the client has left. */
  async untilNotFull(ahead: number): Promise<void> {
    while (this.isFull(ahead)) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
    }
  }

  /** Resolves once the client has everything, or has left. */
  get delivered(): Promise<void> {
    return this.#delivered.promise;
  }

  async #give(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#taken();
    for (;;) {
      const piece = this.#backlog.shift(this.#isSlow ? SMALL_PIECE_BYTES : Number.POSITIVE_INFINITY);
      if (piece) {
        this.#given = { piece, at: Date.now() };
        controller.enqueue(piece);
        return;
      }
      if (this.#clientLeft) return;
      if (this.#broken) {
        this.#finish();
        throw this.#broken.error;
      }
      if (this.#ended) {
        controller.close();
        this.#finish();
        return;
      }
      await new Promise<void>((resolve) => {
        this.#onMore = resolve;
      });
    }
  }

  #taken(): void {
    if (!this.#given) return;
    const { piece, at } = this.#given;
    this.#given = null;
    this.#isSlow = Date.now() - at > SLOW_MS;
    this.#setWaiting(this.#waiting - piece.byteLength);
    this.#patience?.heard();
    if (this.#waiting === 0) this.#patience?.pause();
    // The rest of a piece that was too large to be given at once is in the same memory.
    if (!this.#backlog.isIn(piece.buffer)) this.onFree(piece);
    this.#onTaken();
  }

  #setWaiting(bytes: number): void {
    this.#waiting = bytes;
    this.#share.hold(bytes);
  }

  #giveUp(): void {
    this.#leave();
    this.#controller?.error(new Error("the client takes nothing"));
  }

  #leave(): void {
    if (this.#clientLeft) return;
    this.#clientLeft = true;
    this.#backlog.takeAll();
    this.#finish();
    this.#onTaken();
    this.#onMore();
    this.onLeft();
  }

  /** Nothing more goes to the client. */
  #finish(): void {
    this.#clock?.stop();
    this.#setWaiting(0);
    this.#delivered.resolve();
  }
}
