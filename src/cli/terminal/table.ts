import cliTruncate from "cli-truncate";
import stringWidth from "string-width";
import type { Style } from "./output.ts";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  /** Aligned to the right, for numbers. */
  right?: boolean;
  /** If the table is too wide, the column is left out if this is true for every row. */
  usual?: (row: Row) => boolean;
}

/**
 * Aligned lines, titles first, with two spaces between columns and none at the end. A table that is too wide loses
 * usual columns from the right; after that its lines are cut off.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const lines = aligned(columns, rows);
  if (lines.every((line) => stringWidth(line) <= width)) return lines;
  const spare = columns.findLastIndex(({ usual }) => usual && rows.every(usual));
  if (spare >= 0) return table(columns.toSpliced(spare, 1), rows, width);
  return lines.map((line) => cliTruncate(line, width));
}

function aligned<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => stringWidth(line[index] ?? ""))));
  return cells.map((line) =>
    line
      .map((text, index) => {
        const space = " ".repeat((widths[index] ?? 0) - stringWidth(text));
        return columns[index]?.right ? space + text : text + space;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** The lines of a table, its titles dimmed. */
export function titled([titles = "", ...rows]: string[], style: Style): string[] {
  return [style("dim", titles), ...rows];
}
