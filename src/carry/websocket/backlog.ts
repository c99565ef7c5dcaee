import type { Clock } from "../../link/clock.ts";

/** When more bytes than this are unsent, the reader is too slow and its WebSocket is failed. */
const MOST_BYTES = 12 * 1024 * 1024;
/** The same when the isolate's memory budget is used up. */
const LEAST_BYTES = 256 * 1024;
/** How often `bufferedAmount` is read while it is not 0: the runtime has no event for when it shrinks. */
const POLL_MS = 100;

/** One message of a WebSocket: text, or binary data. */
export type Message = string | ArrayBuffer;

/** In bytes; of text in characters, which is close enough and costs nothing. */
export function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}

/** What one backlog holds of the isolate's memory budget (`MemoryShare`). */
export interface Share {
  hasRoomFor(bytes: number): boolean;
  /** Sets the total that it holds. */
  hold(bytes: number): void;
}

type SendQueue = Pick<WebSocket, "send" | "bufferedAmount">;

export interface BacklogOptions {
  clock: Clock;
  share: Share | null;
  /** How long the reader may read nothing while messages are unsent. */
  patienceMs: number;
}

/**
 * The messages for one side of a WebSocket that are unsent, because that side reads too slowly. The runtime queues them
 * without a limit, and cannot stop reading from the other side (workerd 2026-11-17): there is no backpressure. So the
 * WebSocket of a reader that is too slow is failed, before the whole isolate fails for want of memory.
 */
export class MessageBacklog {
  /** Called when the reader has read nothing for `patienceMs`. */
  onStuck: () => void = () => {};
  readonly #socket: SendQueue;
  readonly #options: BacklogOptions;
  /** Bytes that were ever queued. */
  #queued = 0;
  #isWatched = false;
  #dropped = false;

  constructor(socket: SendQueue, options: BacklogOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Bytes that are unsent. */
  get bytes(): number {
    // After a WebSocket breaks, its `bufferedAmount` still counts what was thrown away.
    return this.#dropped ? 0 : this.#socket.bufferedAmount;
  }

  /**
   * Sends one more message, or returns false if too much is unsent. Only earlier messages count, so that a single
   * message passes whatever its size.
   */
  push(message: Message): boolean {
    const before = this.bytes;
    if (before > MOST_BYTES) return false;
    if (before > LEAST_BYTES && this.#options.share?.hasRoomFor(sizeOf(message)) === false) return false;
    this.#socket.send(message);
    this.#queued += this.bytes - before;
    this.#account();
    if (!this.#isWatched) this.#watch(this.#flushed, Date.now());
    return true;
  }

  /** Gives up what is unsent: it will not be read any more. */
  drop(): void {
    this.#dropped = true;
    this.#account();
  }

  /** Resolves with true once everything is sent, or with false once the reader has read nothing for `patienceMs`. */
  async untilFlushed(patienceMs: number): Promise<boolean> {
    let flushed = this.#flushed;
    for (let since = Date.now(); this.bytes > 0; ) {
      if (Date.now() - since >= patienceMs) return false;
      await scheduler.wait(POLL_MS);
      if (this.#flushed > flushed) since = Date.now();
      flushed = this.#flushed;
    }
    return true;
  }

  /** Bytes that the runtime has ever sent: the reader is alive while this grows. */
  get #flushed(): number {
    return this.#queued - this.bytes;
  }

  /** To be called whenever the backlog may have grown or shrunk. Nothing else accounts for its memory. */
  #account(): void {
    this.#options.share?.hold(this.bytes);
  }

  /** `flushed`: the bytes sent at `since`, when they last grew. */
  #watch(flushed: number, since: number): void {
    this.#isWatched = this.bytes > 0;
    if (!this.#isWatched) return;
    this.#options.clock.set(POLL_MS, () => {
      this.#account();
      const now = Date.now();
      if (this.#flushed > flushed) this.#watch(this.#flushed, now);
      else if (now - since < this.#options.patienceMs) this.#watch(flushed, since);
      else this.onStuck();
    });
  }
}
