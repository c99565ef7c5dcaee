import { hashOf } from "../terms/hash.ts";
import type { Server } from "./server.ts";

/**
 * Weighted rendezvous hashing: each key has an order of all servers, by their scores for it, and its request goes to the
 * first in that order with a free slot. Returns that one. A server that comes or goes, or whose weight changes, moves
 * only the keys that it gains or loses: all other scores stay as they are.
 *
 * Takes about as long as round robin, which looks at all servers, too: 0.24 µs of ten, 0.7 of 100, 6 of 1,000; with
 * weights up to twice that (Node 26).
 */
export function rendezvous(servers: readonly Server[], key: number): Server | undefined {
  // Of its 53 bits; bitwise operators take no more than 32.
  const [low, high] = [key | 0, (key / 0x1_0000_0000) | 0];
  let best: Server | undefined;
  let [bestDraw, bestScore] = [0, 0];
  for (const server of servers) {
    if (!server.hasFreeSlot) continue;
    const drawn = draw(low, high, server.hashSeed);
    // Nothing but a larger weight makes up for a smaller draw: this spares most of the logarithms.
    if (best && drawn <= bestDraw && server.share <= best.share) continue;
    const score = -server.share / Math.log(drawn);
    if (best && score <= bestScore) continue;
    best = server;
    bestDraw = drawn;
    bestScore = score;
  }
  return best;
}

/**
 * Of the name, and not of the identity: a server that is replaced under its name, as a container by one with another
 * address, inherits its keys, and all others keep theirs. By identity the others would get the keys of the old one, and
 * lose as many to the new one, whose cache is empty.
 */
export function seedOf({ name }: Pick<Server, "name">): number {
  return hashOf(name) | 0;
}

/** A number between 0 and 1, both excluded, as if it was drawn at random for each pair of a key and a server. */
function draw(low: number, high: number, seed: number): number {
  let bits = Math.imul(low ^ seed, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13) ^ high, 0xc2b2ae35);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits ^= bits >>> 13;
  return ((bits >>> 0) + 0.5) / 0x1_0000_0000;
}
