/** A server of a pool, by what its slots are known by. */
export interface PoolServer {
  identity: string;
  slots: number;
  /** Absent: it is none. */
  backup?: boolean;
}

/** How far apart two shards' slots are. */
const spread = (fuller: number, emptier: number) => Math.abs(fuller - emptier);

/**
 * Says which shard each server is to belong to, so that all have about as many slots: no move of one server brings two of
 * them closer together. Servers stay where they are as far as that allows. `shardOf`: where one is to be now; `undefined`: it
 * is new. `ownerOf`: who owns it still, which is where it goes back most easily.
 */
export function assign(
  servers: readonly PoolServer[],
  shards: number,
  shardOf: (identity: string) => number | undefined,
  ownerOf: (identity: string) => number | undefined = shardOf,
): Map<string, number> {
  const members = Array.from({ length: shards }, () => new Set<PoolServer>());
  const loads = members.map(() => 0);
  const put = (server: PoolServer, shard: number) => {
    members[shard]?.add(server);
    loads[shard] = (loads[shard] ?? 0) + server.slots;
  };
  const isThere = (shard: number | undefined): shard is number => shard !== undefined && shard < shards;
  const homeless: PoolServer[] = [];
  for (const server of servers) {
    const shard = shardOf(server.identity);
    if (isThere(shard)) put(server, shard);
    else homeless.push(server);
  }
  // The largest first: the small ones even out.
  for (const server of homeless.sort((a, b) => b.slots - a.slots)) put(server, emptiestOf(loads));
  for (;;) {
    const emptiest = emptiestOf(loads);
    // What one server's move changes most comes first. The fullest may have only servers that are too large for that.
    const inOrder = [...loads.keys()].sort((a, b) => (loads[b] ?? 0) - (loads[a] ?? 0));
    const moves = inOrder.map((from) => ({
      from,
      server: bestMove(members[from] ?? [], loads, { from, emptiest }, ownerOf),
    }));
    const move = moves.find(({ server }) => server !== null);
    if (!move?.server) break;
    members[move.from]?.delete(move.server);
    loads[move.from] = (loads[move.from] ?? 0) - move.server.slots;
    put(move.server, emptiest);
  }
  return new Map(members.flatMap((set, shard) => [...set].map(({ identity }) => [identity, shard] as const)));
}

/** Returns the server whose move brings both closest together; of equals, one that the emptiest still owns. */
function bestMove(
  servers: Iterable<PoolServer>,
  loads: readonly number[],
  { from, emptiest }: { from: number; emptiest: number },
  ownerOf: (identity: string) => number | undefined,
): PoolServer | null {
  const [most, least] = [loads[from] ?? 0, loads[emptiest] ?? 0];
  let best: PoolServer | null = null;
  let [apart, isHome] = [spread(most, least), true];
  for (const server of servers) {
    const then = spread(most - server.slots, least + server.slots);
    const isAtHome = ownerOf(server.identity) === emptiest;
    if (then > apart || (then === apart && (isHome || !isAtHome))) continue;
    [best, apart, isHome] = [server, then, isAtHome];
  }
  return best;
}

function emptiestOf(loads: readonly number[]): number {
  return loads.indexOf(Math.min(...loads));
}
