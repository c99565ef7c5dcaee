import { Backlog, joined } from "./backlog.ts";

/**
 * The bytes of a response on their way to its client: what waits for it, and the stream that it takes them from. A
 * stream of our own: each byte that goes through the runtime's `FixedLengthStream` is copied once more there, and
 * costs a fifth more (workerd 2026-11-17).
 */
export class ClientStream {
  readonly #backlog = new Backlog();
  readonly #client: AbortSignal;
  readonly #delivered = Promise.withResolvers<void>();
  /** What the client is taking. */
  #given: Uint8Array | null = null;
  /** Bytes that it has not taken yet. */
  #waiting = 0;
  #ended = false;
  #broken: { error: unknown } | null = null;
  #clientLeft = false;
  #onMore: () => void = () => {};
  #onTaken: () => void = () => {};
  /** A piece that the client has taken: its memory is free. */
  onFree: (piece: Uint8Array) => void = () => {};

  constructor(client: AbortSignal) {
    this.#client = client;
  }

  get clientLeft(): boolean {
    return this.#clientLeft;
  }

  /** With a length the client gets a `Content-Length`, otherwise chunks. */
  open(length: number | null): ReadableStream<Uint8Array> {
    // A client that left before the headers never takes up its end, nor drops it.
    if (this.#client.aborted) this.#leave();
    else this.#client.addEventListener("abort", () => this.#leave());
    return new ReadableStream<Uint8Array>(
      {
        ...(length === null ? {} : { expectedLength: length }),
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
    this.#waiting += bytes.byteLength;
    const kept = this.#backlog.push(bytes);
    this.#onMore();
    return kept;
  }

  /** All that waits, instead of the stream. */
  takeAll(): Uint8Array {
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

  /** Resolves once fewer bytes wait for the client, or it has left. */
  async untilFewerWait(bytes: number): Promise<void> {
    while (!this.#clientLeft && this.#waiting >= bytes) {
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
      const piece = this.#backlog.shift();
      if (piece) {
        this.#given = piece;
        controller.enqueue(piece);
        return;
      }
      if (this.#clientLeft) return;
      if (this.#broken) throw this.#broken.error;
      if (this.#ended) {
        controller.close();
        this.#delivered.resolve();
        return;
      }
      await new Promise<void>((resolve) => {
        this.#onMore = resolve;
      });
    }
  }

  #taken(): void {
    if (!this.#given) return;
    this.#waiting -= this.#given.byteLength;
    this.onFree(this.#given);
    this.#given = null;
    this.#onTaken();
  }

  #leave(): void {
    this.#clientLeft = true;
    this.#backlog.takeAll();
    this.#delivered.resolve();
    this.#onTaken();
    this.#onMore();
  }
}
