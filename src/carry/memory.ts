/**
 * What all requests of this isolate hold of bodies, in bytes, and how much that may be. An isolate on Cloudflare has
 * 128 MB for all of its requests, and they die together (developers.cloudflare.com/workers/platform/limits, 2026-11).
 * What is counted is JavaScript's share: copies on their way and garbage take about as much again.
 */

/** Beyond it nothing more is buffered ahead: who sends or reads fast waits for who does not. */
const MOST_BUFFERED = 48 * 1024 * 1024;
/** What has to be held all the same, a piece for each stream, ends here: then new requests are refused. */
const MOST_HELD = 64 * 1024 * 1024;

let heldByAll = 0;

/** An invocation that the platform ends runs no `finally`: its share comes back with the garbage. */
const forgotten = new FinalizationRegistry((held: { bytes: number }) => {
  heldByAll -= held.bytes;
});

/** New requests would not find the least that each needs. */
export function isMemoryFull(): boolean {
  return heldByAll >= MOST_HELD;
}

/** What one body holds. */
export class MemoryShare {
  #held: { bytes: number } | null = null;

  /** Whether `bytes` more may be buffered ahead. */
  hasRoomFor(bytes: number): boolean {
    return heldByAll + bytes <= MOST_BUFFERED;
  }

  /** This body holds so much from now on. */
  hold(bytes: number): void {
    // Most never hold anything.
    if (!this.#held) {
      if (bytes === 0) return;
      this.#held = { bytes: 0 };
      forgotten.register(this, this.#held);
    }
    heldByAll += bytes - this.#held.bytes;
    this.#held.bytes = bytes;
  }
}

/** As much as one read takes. */
export const BUFFER_BYTES = 64 * 1024;
const MOST_SPARE = 64;

/**
 * Memory of all relays of this isolate, to be read into again. New memory has to be cleared first, and what a stalled
 * reader leaves behind would pile up as garbage: a collection may be long in coming where little else is allocated.
 */
const spare: ArrayBufferLike[] = [];

export function takeBuffer(): ArrayBufferLike {
  return spare.pop() ?? new ArrayBuffer(BUFFER_BYTES);
}

/** Nobody may have a view of it any more. One of another size is left to the collector. */
export function giveBuffer(buffer: ArrayBufferLike): void {
  if (buffer.byteLength === BUFFER_BYTES && spare.length < MOST_SPARE) spare.push(buffer);
}
