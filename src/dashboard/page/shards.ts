import type { ShardSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { grouped } from "../../words/phrases.ts";
import { byId, keyed, make, setAttributes, setText } from "./dom.ts";

/** The objects that the pool is; `shards` is absent of a pool that is one. */
export function drawShards({ shards }: Pick<Snapshot, "shards">): void {
  byId("shards").hidden = !shards;
  keyed(
    byId("shard-list"),
    shards ?? [],
    ({ shard }) => String(shard),
    ({ shard }) => make("li", "mark", make("b", "", String(shard)), " ", make("span")),
    (item, shard) => {
      setText(item.lastChild, shardWords(shard));
      setAttributes(item, { "data-mark": shard.reachable ? "good" : "bad" });
    },
  );
}

/** `3 of 8 in flight, 12 waiting`. */
export function shardWords({ reachable, slots, inFlight, queued }: ShardSnapshot): string {
  const words = `${grouped(inFlight)} of ${grouped(slots)} in flight, ${grouped(queued)} waiting`;
  return reachable ? words : `not reached; before: ${words}`;
}
