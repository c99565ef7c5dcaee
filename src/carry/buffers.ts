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
