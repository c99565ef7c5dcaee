/**
 * Returns a whole number of 53 bits, the same for the same text in every version: keys of deferred requests are in the
 * ledger, and Workers of two versions meet. Synchronous and cheap, so not cryptographic: whoever sends the text can find
 * others with the same number, and gains no more than a busy server.
 */
export function hashOf(text: string): number {
  // cyrb53 (github.com/bryc/code, public domain): two lanes of multiplications, as in MurmurHash.
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
