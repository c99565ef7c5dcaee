import type { FlowSnapshot, Snapshot } from "../../scheduler/snapshot.ts";
import { flowName, shareWords } from "../../words/flow.ts";
import { grouped } from "../../words/phrases.ts";
import { oneUnit } from "../../words/times.ts";
import { byId, keyed, make, setText } from "./dom.ts";
import { Hold } from "./hold.ts";

/** A line of the table. `isGone`: the pool lists the flow no more. */
export interface FlowRow {
  flow: FlowSnapshot;
  isGone: boolean;
}

/** The lines for the latest list. `isHeld`: those that there were, in their order. */
export function arrangedFlows(
  drawn: readonly FlowRow[],
  latest: readonly FlowSnapshot[],
  isHeld: boolean,
): FlowRow[] {
  if (!isHeld) return latest.map((flow) => ({ flow, isGone: false }));
  return drawn.map(({ flow: old }) => {
    const flow = latest.find(({ key }) => key === old.key);
    return flow ? { flow, isGone: false } : { flow: old, isGone: true };
  });
}

/** Classes of the cells after the name, by which the style sheet lays them out where the table is narrow. */
const CELLS = ["queued", "in-flight", "oldest", "share"];

/** The clients of one pool: who waits longest, and who has how much of the servers' time. */
export class Flows {
  readonly #holds: Hold[];
  #pool = "";
  #drawn: FlowRow[] = [];

  constructor(onChange: () => void) {
    // A hash is there to be copied, and below the table there are things to press.
    this.#holds = ["flows", "deferred", "changes"].map((id) => new Hold(byId(id), onChange));
  }

  /** `flows` is absent of a pool that does not tell clients apart. */
  draw({ name, flows }: Pick<Snapshot, "name" | "flows">): void {
    byId("flows").hidden = !flows;
    const isHeld = this.#pool === name && this.#holds.some((hold) => hold.isOn);
    this.#pool = name;
    this.#drawn = arrangedFlows(this.#drawn, flows ?? [], isHeld);
    byId("no-flows").hidden = this.#drawn.length > 0;
    byId("flow-table").hidden = this.#drawn.length === 0;
    keyed(
      byId("flow-rows"),
      this.#drawn,
      // No hash is empty.
      ({ flow: { key } }) => key ?? "",
      createRow,
      drawRow,
    );
  }
}

function createRow({ flow }: FlowRow): HTMLTableRowElement {
  const name = make("th", flow.key === null ? "" : "hash", flowName(flow));
  name.scope = "row";
  const cells = CELLS.map((className) => make("td", className));
  cells.at(-1)?.append(make("div", "part", make("span"), make("span", "bar", make("span"))));
  return make("tr", "", name, ...cells);
}

function drawRow(row: Element, { flow: { queued, inFlight, oldestWaitMs, share }, isGone }: FlowRow): void {
  const [, waiting, working, oldest, last] = row.children;
  const words = [grouped(queued), grouped(inFlight), queued === 0 ? "–" : oneUnit(oldestWaitMs)];
  for (const [n, cell] of [waiting, working, oldest].entries())
    setText(cell, isGone ? "–" : (words[n] ?? ""));
  const part = last?.firstElementChild;
  setText(part?.firstChild, isGone ? "–" : shareWords(share));
  // By a property, which the page's policy allows.
  const fill = part?.lastElementChild?.firstElementChild as HTMLElement;
  fill.style.inlineSize = isGone ? "0" : `${share * 100}%`;
}
