/** The objects that a pool is, for the page and the command alike. */
import type { Snapshot } from "../scheduler/snapshot.ts";
import { listed } from "./phrases.ts";

type Shards = Pick<Snapshot, "shards">;

/** The numbers of those that do not answer. */
export function lostShards({ shards = [] }: Shards): number[] {
  return shards.filter(({ reachable }) => !reachable).map(({ shard }) => shard);
}

/** `shard 3`, `shards 3 and 5`. */
export function shardsNamed(numbers: readonly number[]): string {
  return `shard${numbers.length === 1 ? "" : "s"} ${listed(numbers.map(String))}`;
}

/** `what shard 3 has, which is not reached`: whether that is in flight, nobody knows. `null`: all answer. */
export function unknownWords(pool: Shards): string | null {
  const lost = lostShards(pool);
  if (lost.length === 0) return null;
  const [has, is] = lost.length === 1 ? ["has", "is"] : ["have", "are"];
  return `what ${shardsNamed(lost)} ${has}, which ${is} not reached`;
}
