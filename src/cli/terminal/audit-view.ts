import cliTruncate from "cli-truncate";
import type { AuditList } from "../../admin/audit.ts";
import { askedInWords, SIGNED_IN } from "../../words/audit.ts";
import { clock } from "../../words/times.ts";
import { printable, quoted, type Style } from "./output.ts";
import { type Column, table, titled } from "./table.ts";

type Change = AuditList["changes"][number];

/** Bounds on a terminal of what was asked for, and what the other columns usually take, in columns. */
const [SHORTEST, LONGEST, OTHERS] = [24, 70, 50];

/** A table of changes, a line each. `hasPools`: they may be of several. */
export function auditView(
  changes: readonly Change[],
  hasPools: boolean,
  style: Style,
  now: number,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const isShort = Number.isFinite(width);
  const most = Math.min(LONGEST, Math.max(SHORTEST, width - OTHERS));
  const columns: Column<Change>[] = [
    { title: "WHEN", cell: ({ at }) => clock(at, now) },
    ...(hasPools ? [{ title: "POOL", cell: ({ pool }: Change) => printable(pool) }] : []),
    { title: "WHO", cell: ({ by }) => style("bold", printable(by)) },
    { title: "ANSWER", cell: ({ answer }) => answerWord(answer, style) },
    {
      title: "WHAT",
      cell: (change) => (isShort ? cliTruncate(whatOf(change, now), most) : whatOf(change, now)),
    },
    { title: "FROM", cell: ({ address }) => printable(address ?? "–"), usual: () => true },
    { title: "SIGNED IN BY", cell: ({ via }) => SIGNED_IN[via] ?? printable(via), usual: () => true },
    { title: "WITH", cell: ({ agent }) => printable(agent ?? "–"), usual: () => true },
  ];
  return titled(table(columns, changes, width), style);
}

function whatOf(change: Change, now: number): string {
  const { count = 1, until } = change;
  const often = until === undefined ? "" : `, ${count} times until ${clock(until, now)}`;
  return printable(askedInWords(change, quoted)) + often;
}

function answerWord(answer: Change["answer"], style: Style): string {
  if (answer === "done") return answer;
  return style(answer === "nothing" ? "dim" : "yellow", printable(answer));
}
