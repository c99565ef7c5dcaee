import type { ServerSnapshot } from "../../scheduler/snapshot.ts";

/** Returns the number of the shard that owns the server; `null`: none does at the moment. */
export type OwnerOf = (server: { name: string; url: string; binding?: string | undefined }) => number | null;

/** The servers as one shard sees them. */
interface View {
  shard: number;
  servers: ServerSnapshot[];
}

/** One server as one shard sees it. */
interface Sight {
  shard: number;
  server: ServerSnapshot;
}

/**
 * Returns the servers of the whole pool. Every shard lists all of them: what operators want of one is as the coordinator, shard
 * 0, has it in `own`, how it is as its owner sees it. While it changes hands, more than one shard may have leases of it.
 */
export function mergedServers(
  own: readonly ServerSnapshot[],
  others: readonly View[],
  ownerOf: OwnerOf,
): ServerSnapshot[] {
  const listed = new Set(own.map(({ name }) => name));
  const sights = [{ shard: 0, servers: own }, ...others]
    .flatMap(({ shard, servers }) => servers.map((server): Sight => ({ shard, server })))
    // One that the coordinator does not list has left the pool: some shards may still have its last leases.
    .filter(({ server }) => listed.has(server.name) || server.inFlight > 0);
  return [...Map.groupBy(sights, ({ server }) => server.name)].map(([name, seen]) => {
    const [{ server }] = seen as [Sight, ...Sight[]];
    const wanted = listed.has(name) ? server : { ...server, slots: 0 };
    return merged(wanted, seen, ownerOf(wanted));
  });
}

function merged(wanted: ServerSnapshot, seen: readonly Sight[], owner: number | null): ServerSnapshot {
  const servers = seen.map(({ server }) => server);
  const { health, healthSince, lastCheck, warmUntil, cut } = ownersView(seen, owner) ?? wanted;
  return {
    ...wanted,
    health,
    healthSince,
    lastCheck,
    warmUntil,
    // Whether there is to be one is for the operator to say, and what has come of it for the owner.
    cut: wanted.cut && (cut ?? wanted.cut),
    inFlight: servers.reduce((sum, { inFlight }) => sum + inFlight, 0),
    quarantined: servers.reduce((sum, { quarantined }) => sum + quarantined, 0),
    leases: servers.flatMap(({ leases }) => leases),
    shard: owner ?? undefined,
  };
}

/** Of one that nobody owns at the moment, the view of who has most of its leases: its last owner, if it is to let go of it. */
function ownersView(seen: readonly Sight[], owner: number | null): ServerSnapshot | undefined {
  if (owner !== null) return seen.find(({ shard }) => shard === owner)?.server;
  return seen.map(({ server }) => server).sort((a, b) => b.inFlight - a.inFlight)[0];
}
