/**
 * The memory budget for bodies that all requests of this isolate share, and a pool of read buffers. An isolate on
 * Cloudflare has 128 MB for all of its requests, and exceeding it ends all of them
 * (developers.cloudflare.com/workers/platform/limits, 2026-11). The counts cover what JavaScript holds; the runtime's
 * own copies and garbage take about as much again.
 */

/** Above this many bytes nothing more is buffered ahead (backpressure): a fast sender waits for its slow receiver. */
const MOST_BUFFERED = 48 * 1024 * 1024;
/** Above this many bytes new requests are refused. Even without buffering ahead, each stream holds one piece. */
const MOST_HELD = 64 * 1024 * 1024;

let heldByAll = 0;

/** Returns the shares of invocations that the platform ended: these run no `finally`. */
const endedInvocations = new FinalizationRegistry((held: { bytes: number }) => {
  heldByAll -= held.bytes;
});

/** True if a new request must be refused, because there is no memory for the piece that it needs at least. */
export function isMemoryFull(): boolean {
  return heldByAll >= MOST_HELD;
}

/** What one body holds of the budget. */
export class MemoryShare {
  #held: { bytes: number } | null = null;

  /** True if `bytes` more may be buffered ahead. */
  hasRoomFor(bytes: number): boolean {
    return heldByAll + bytes <= MOST_BUFFERED;
  }

  /** Sets the total that this body holds. 0 gives everything back. */
  hold(bytes: number): void {
    // Registering costs, and most bodies never hold anything.
    if (!this.#held) {
      if (bytes === 0) return;
      this.#held = { bytes: 0 };
      endedInvocations.register(this, this.#held);
    }
    heldByAll += bytes - this.#held.bytes;
    this.#held.bytes = bytes;
  }
}

/** The most that one read returns. */
export const BUFFER_BYTES = 64 * 1024;
const MOST_SPARE = 64;

/**
 * Read buffers, reused by all relays of this isolate. A new buffer has to be zeroed first, and those that a stalled
 * reader leaves behind would pile up: garbage collection may be late where little else is allocated.
 */
const spare: ArrayBufferLike[] = [];

export function takeBuffer(): ArrayBufferLike {
  return spare.pop() ?? new ArrayBuffer(BUFFER_BYTES);
}

/** No view of the buffer may be in use any more. A buffer of another size is left to the garbage collector. */
export function giveBuffer(buffer: ArrayBufferLike): void {
  if (buffer.byteLength === BUFFER_BYTES && spare.length < MOST_SPARE) spare.push(buffer);
}
