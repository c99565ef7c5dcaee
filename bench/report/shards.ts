import { cellOf, nameOf, verdict } from "./cells.ts";
import type { Report } from "./report.ts";

/** The table of the scenario `shards`: a column for each number of objects, which stands before a colon in its rows' names. */
export function shardsMarkdown({ machine, rounds, sections }: Report): string {
  const rows = sections.flatMap((section) => section.rows);
  const splits = rows.map((row) => {
    const [count = "", figure = ""] = nameOf(row).split(/: (.*)/);
    return { count, figure, row };
  });
  const counts = [...new Set(splits.map(({ count }) => count))];
  const figures = Object.entries(Object.groupBy(splits, ({ figure }) => figure));
  const cells = (of: typeof splits) =>
    counts.map((count) => {
      const found = of.find((one) => one.count === count);
      const cell = found && cellOf(found.row, "sluice");
      return cell ? [cell.median, cell.range && `<br>${cell.range}`].filter(Boolean).join(" ") : "";
    });
  const wanted = (of: typeof splits) =>
    of
      .flatMap(({ count, row }) => (row.targets ?? []).map((target) => ({ count, target })))
      .map(
        ({ count, target }) =>
          `${count}: ${target.wanted}: **${verdict(target)}**${target.met ? "" : `, ${target.found}`}`,
      )
      .join("<br>");
  return [
    `${machine.date}, ${machine.processor}, ${machine.kernel}, workerd ${machine.workerd}, ${rounds} rounds.`,
    "",
    line(["objects", ...counts, "wanted"]),
    line(["---", ...counts.map(() => "---:"), "---"]),
    ...figures.map(([figure, of = []]) => line([figure, ...cells(of), wanted(of)])),
  ].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
