const BLOCK_BYTES = 16 * 1024;

/**
 * Bytes that wait, in order and in few pieces: small chunks are put together, and none keeps the large buffer
 * alive that it was read into. A write of its own for each would cost some KB however small it is.
 */
export class Backlog {
  #pieces: Uint8Array[] = [];
  /** What is still free at the end of the last piece. */
  #room = 0;

  /** Whether the chunk itself is kept, and not a copy. */
  push(chunk: Uint8Array): boolean {
    if (chunk.byteLength > this.#room) {
      this.#closeLast();
      if (2 * chunk.byteLength >= chunk.buffer.byteLength) {
        this.#pieces.push(chunk);
        return true;
      }
      this.#room = Math.max(BLOCK_BYTES, chunk.byteLength);
      this.#pieces.push(new Uint8Array(this.#room));
    }
    const last = this.#pieces.at(-1) as Uint8Array;
    last.set(chunk, last.byteLength - this.#room);
    this.#room -= chunk.byteLength;
    return false;
  }

  /** The first piece, or of a longer one its first `most` bytes. */
  shift(most = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    if (this.#pieces.length === 1) this.#closeLast();
    const first = this.#pieces.shift();
    if (!first || first.byteLength <= most) return first;
    this.#pieces.unshift(first.subarray(most));
    return first.subarray(0, most);
  }

  /** The first piece is in this memory. */
  isIn(buffer: ArrayBufferLike): boolean {
    return this.#pieces[0]?.buffer === buffer;
  }

  takeAll(): Uint8Array[] {
    this.#closeLast();
    const all = this.#pieces;
    this.#pieces = [];
    return all;
  }

  #closeLast(): void {
    if (this.#room === 0) return;
    const last = this.#pieces.pop() as Uint8Array;
    this.#pieces.push(last.subarray(0, last.byteLength - this.#room));
    this.#room = 0;
  }
}

export function joined(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
