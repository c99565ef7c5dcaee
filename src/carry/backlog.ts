const BLOCK_BYTES = 16 * 1024;

/**
 * A FIFO of bytes, held in few pieces. Small chunks are copied together, so that none keeps alive the large buffer that
 * it was read into, and because each write to a client costs some KB however small it is.
 */
export class Backlog {
  #pieces: Uint8Array[] = [];
  /** Free bytes at the end of the last piece. */
  #room = 0;

  /** Returns true if the chunk itself is kept: its buffer must not be reused before the chunk is shifted. */
  push(chunk: Uint8Array): boolean {
    if (chunk.byteLength > this.#room) {
      this.#trimLast();
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

  /** Removes the first piece, or only the first `most` bytes of it. */
  shift(most = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    if (this.#pieces.length === 1) this.#trimLast();
    const first = this.#pieces.shift();
    if (!first || first.byteLength <= most) return first;
    this.#pieces.unshift(first.subarray(most));
    return first.subarray(0, most);
  }

  /** True if the first piece is in this buffer. */
  beginsIn(buffer: ArrayBufferLike): boolean {
    return this.#pieces[0]?.buffer === buffer;
  }

  takeAll(): Uint8Array[] {
    this.#trimLast();
    const all = this.#pieces;
    this.#pieces = [];
    return all;
  }

  /** Cuts the free bytes off the last piece, so that nothing more is appended to it. */
  #trimLast(): void {
    if (this.#room === 0) return;
    const last = this.#pieces.pop() as Uint8Array;
    this.#pieces.push(last.subarray(0, last.byteLength - this.#room));
    this.#room = 0;
  }
}

/** A single chunk is returned as it is, without a copy. */
export function concat(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
