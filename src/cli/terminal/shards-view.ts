import type { ShardSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import type { Style } from "./output.ts";
import { type Column, table, titled } from "./table.ts";

/** An empty line, and a table of the objects that the pool is; nothing for a pool that is one. */
export function shardsView(
  { shards = [] }: Pick<Snapshot, "shards">,
  style: Style,
  width?: number,
): string[] {
  if (shards.length === 0) return [];
  const columns: Column<ShardSnapshot>[] = [
    { title: "SHARD", cell: ({ shard }) => style("bold", String(shard)) },
    {
      title: "STATE",
      cell: ({ reachable }) => (reachable ? style("green", "reached") : style("red", "not reached")),
    },
    { title: "IN FLIGHT", cell: ({ inFlight, slots }) => `${inFlight}/${slots}`, right: true },
    {
      title: "QUEUED",
      cell: ({ queued }) => (queued > 0 ? style("cyan", String(queued)) : "0"),
      right: true,
    },
  ];
  return ["", ...titled(table(columns, shards, width), style)];
}
