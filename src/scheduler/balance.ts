import type { PoolConfig } from "../config/types.ts";
import type { Server } from "./server.ts";

type Balance = PoolConfig["balance"];

/**
 * Chooses the server for the next request among those with a free slot. Backup servers are asked only while no
 * other server is available at all: one that is merely busy is worth waiting for (HAProxy: `backup` together
 * with `option allbackups`).
 *
 * `avoid` is passed by as long as there is any other, free or not.
 */
export function pick(
  servers: readonly Server[],
  balance: Balance,
  random: () => number,
  avoid: string | null = null,
): Server | undefined {
  const useBackups = !servers.some((server) => !server.backup && server.available);
  const usable = servers.filter((server) => server.backup === useBackups && server.available);
  const others = avoid === null ? usable : usable.filter((server) => server.name !== avoid);
  const candidates = (others.length > 0 ? others : usable).filter((server) => server.hasFreeSlot);
  if (candidates.length < 2) return candidates[0];
  return choose[balance](candidates, random);
}

const choose: Record<Balance, (candidates: Server[], random: () => number) => Server | undefined> = {
  roundrobin: smoothWeighted,
  leastconn: leastConnections,
  first: (candidates) => candidates[0],
  random: weightedRandom,
};

/** nginx's smooth weighted round robin: weights 5, 1, 1 give a a b a c a a, not five in a row. */
function smoothWeighted(candidates: Server[]): Server | undefined {
  let best: Server | undefined;
  let total = 0;
  for (const server of candidates) {
    server.credit += server.weight;
    total += server.weight;
    if (!best || server.credit > best.credit) best = server;
  }
  if (best) best.credit -= total;
  return best;
}

/** Fewest requests in flight for its weight; the one that has waited longest among equals. */
function leastConnections(candidates: Server[]): Server | undefined {
  return candidates.reduce((best, server) => {
    const difference = server.taken * best.weight - best.taken * server.weight;
    if (difference !== 0) return difference < 0 ? server : best;
    return server.lastGrant < best.lastGrant ? server : best;
  });
}

function weightedRandom(candidates: Server[], random: () => number): Server | undefined {
  const total = candidates.reduce((sum, server) => sum + server.weight, 0);
  let left = random() * total;
  for (const server of candidates) {
    left -= server.weight;
    if (left < 0) return server;
  }
  return candidates.at(-1);
}
