/** Pools of more objects than can be of use, or of fewer than their servers need. */
import { SHARDS } from "../../config/limits.ts";
import type { PoolConfig } from "../../config/types.ts";
import { durationText } from "../../config/units.ts";
import { counted, grouped } from "../../words/phrases.ts";
import { GRANTS, grantsNeeded, shardsNeeded } from "../../words/shards-needed.ts";
import { poolPath } from "./pools.ts";
import type { Target } from "./target.ts";
import type { Path } from "./tree.ts";

/** `serviceMs`: how long a request takes at a server, by the pool's name. */
export function checkShards(
  target: Target,
  pools: readonly PoolConfig[],
  serviceMs: ReadonlyMap<string, number> = new Map(),
): void {
  for (const pool of pools) {
    const path: Path = [...poolPath(target, pool.name), "shards"];
    noteIdleShards(target, path, pool);
    const ms = serviceMs.get(pool.name);
    if (ms !== undefined) noteShortage(target, path, pool, ms);
  }
}

/** Where servers register, there may be more of them. */
function noteIdleShards(target: Target, path: Path, { shards, servers, register }: PoolConfig): void {
  if (register !== null || shards <= servers.length) return;
  target.note(
    path,
    `${shards} for ${counted(servers.length, "server")}: a shard without a server only sends its requests on to others`,
  );
}

function noteShortage(target: Target, path: Path, pool: PoolConfig, serviceMs: number): void {
  const { shards, register } = pool;
  // A backup waits for the others to be down.
  const used = pool.servers.filter(({ backup, weight }) => !backup && weight > 0);
  const registered = register?.max ?? 0;
  const servers = used.length + registered;
  const slots = used.reduce((sum, server) => sum + server.slots, registered * pool.slots);
  const possible = grantsNeeded(slots, serviceMs);
  // A shard without a server grants nothing.
  const granting = Math.min(shards, servers);
  if (possible <= granting * GRANTS) return;
  const needed = shardsNeeded(slots, serviceMs, servers);
  const objects = granting === 1 ? "one object grants" : `${granting} objects grant`;
  const cure =
    needed > shards
      ? `set shards = ${needed}`
      : `more shards would not help, as each needs a server of its own, and ${SHARDS[1]} are the most`;
  target.note(
    path,
    `${counted(slots, "slot")} of ${durationText(serviceMs)} a request could take some ${grouped(Math.round(possible))} requests ` +
      `a second, and ${objects} some ${grouped(granting * GRANTS)} on Cloudflare: ${cure}`,
  );
}
