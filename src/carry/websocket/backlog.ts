import type { Clock } from "../../link/clock.ts";

/** How far a reader may be behind, in bytes, before its WebSocket is failed. */
const MOST_BYTES = 12 * 1024 * 1024;
/** The same where the isolate has no memory left. */
const LEAST_BYTES = 256 * 1024;
/** How often it is looked at while there is one: nothing tells that it shrinks. */
const LOOK_MS = 100;

/** One message of a WebSocket, as the runtime gives and takes it. */
export type Message = string | ArrayBuffer;

/** Of text, characters: close enough, and free. */
export function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}

/** One user's part of the isolate's memory for what waits. */
export interface Share {
  hasRoomFor(bytes: number): boolean;
  /** It holds so much from now on. */
  hold(bytes: number): void;
}

type Queue = Pick<WebSocket, "send" | "bufferedAmount">;

export interface BacklogOptions {
  clock: Clock;
  share: Share | null;
  /** How long the reader may leave what waits untouched. */
  patienceMs: number;
}

/**
 * The messages that one end of a WebSocket has not taken yet. The runtime's queue has no limit of its own, and nothing
 * stops it from reading the other end (workerd 2026-11-17): there is no backpressure, so all that can be done for a
 * reader that is too far behind is to fail its WebSocket instead of the isolate with everything in it.
 */
export class MessageBacklog {
  /** The reader leaves it untouched. */
  onStuck: () => void = () => {};
  readonly #socket: Queue;
  readonly #options: BacklogOptions;
  /** All that ever waited. */
  #queued = 0;
  #isWatched = false;
  #dropped = false;

  constructor(socket: Queue, options: BacklogOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** What waits. */
  get bytes(): number {
    // A broken WebSocket goes on counting what it has thrown away.
    return this.#dropped ? 0 : this.#socket.bufferedAmount;
  }

  /** Sends one more message, if it may wait. What came before it counts: any single message passes. */
  push(message: Message): boolean {
    const before = this.bytes;
    if (before > MOST_BYTES) return false;
    if (before > LEAST_BYTES && this.#options.share?.hasRoomFor(sizeOf(message)) === false) return false;
    this.#socket.send(message);
    this.#queued += this.bytes - before;
    this.#account();
    if (!this.#isWatched) this.#watch(this.#taken, Date.now());
    return true;
  }

  /** Nothing of it will be taken any more. */
  drop(): void {
    this.#dropped = true;
    this.#account();
  }

  /** Resolves once nothing waits, or with `false` if what waits was left untouched for so long. */
  async isTakenWithin(patienceMs: number): Promise<boolean> {
    let taken = this.#taken;
    for (let since = Date.now(); this.bytes > 0; ) {
      if (Date.now() - since >= patienceMs) return false;
      await scheduler.wait(LOOK_MS);
      if (this.#taken > taken) since = Date.now();
      taken = this.#taken;
    }
    return true;
  }

  get #taken(): number {
    return this.#queued - this.bytes;
  }

  /** To be called whenever it may have grown or shrunk: the one place where the isolate's memory is accounted for. */
  #account(): void {
    this.#options.share?.hold(this.bytes);
  }

  #watch(taken: number, since: number): void {
    this.#isWatched = this.bytes > 0;
    if (!this.#isWatched) return;
    this.#options.clock.set(LOOK_MS, () => {
      this.#account();
      const now = Date.now();
      if (this.#taken > taken) this.#watch(this.#taken, now);
      else if (now - since < this.#options.patienceMs) this.#watch(taken, since);
      else this.onStuck();
    });
  }
}
