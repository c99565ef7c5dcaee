import { SAME_TIME_MS } from "../src/cli/rehearse/order.ts";
import { reasonsIn } from "../src/cli/rehearse/tally.ts";

export interface Outcome {
  sent: number;
  answered: number;
  /** How many requests were not answered by a server, by the reason. */
  dropped: ReadonlyMap<string, number>;
  rejected: number;
  longestMs: number;
  /** Requests that one sent clearly later overtook. */
  overtaken: number;
}

export function passed(outcome: Outcome): boolean {
  return droppedOf(outcome) === 0 && outcome.rejected === 0 && outcome.overtaken === 0;
}

export function reportLines(outcome: Outcome): string[] {
  return table([
    ["requests sent", String(outcome.sent), ""],
    ["answered", String(outcome.answered), ""],
    ["dropped", String(droppedOf(outcome)), reasonsIn(outcome.dropped) || "must be 0"],
    ["rejected by a server", String(outcome.rejected), "must be 0"],
    ["longest wait", `${(outcome.longestMs / 1000).toFixed(2)} s`, "from sending to the answer's last byte"],
    ["order kept", outcome.overtaken === 0 ? "yes" : "no", orderNote(outcome)],
  ]);
}

export function table(rows: [label: string, value: string, note: string][]): string[] {
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([label, value, note]) =>
    `  ${label.padEnd(labelWidth)}  ${value.padStart(valueWidth)}   ${note}`.trimEnd(),
  );
}

/** What was sent and not answered, whatever the reasons add up to. */
function droppedOf({ sent, answered }: Outcome): number {
  return sent - answered;
}

function orderNote({ overtaken }: Outcome): string {
  return `${overtaken || "none"} overtaken by one sent ${SAME_TIME_MS / 1000} s or more later`;
}
