import type { FlowSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { flowName, shareWords } from "../../words/flow.ts";
import { duration } from "../../words/times.ts";
import type { Style } from "./output.ts";
import { printable } from "./output.ts";
import { type Column, table, titled } from "./table.ts";

/**
 * An empty line, and a table of who waits longest, a line for each client; nothing for a pool that does not tell clients
 * apart, or while none has anything.
 */
export function flowsView({ flows = [] }: Pick<Snapshot, "flows">, style: Style, width?: number): string[] {
  if (flows.length === 0) return [];
  const columns: Column<FlowSnapshot>[] = [
    { title: "FLOW", cell: (flow) => style(flow.key === null ? "dim" : "bold", printable(flowName(flow))) },
    {
      title: "QUEUED",
      cell: ({ queued }) => (queued > 0 ? style("cyan", String(queued)) : "0"),
      right: true,
    },
    { title: "IN FLIGHT", cell: ({ inFlight }) => String(inFlight), right: true },
    {
      title: "OLDEST",
      cell: ({ queued, oldestWaitMs }) => (queued > 0 ? duration(oldestWaitMs) : "–"),
      right: true,
    },
    { title: "SHARE", cell: ({ share }) => shareWords(share), right: true },
  ];
  return ["", ...titled(table(columns, flows, width), style)];
}
