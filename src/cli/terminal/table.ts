import width from "string-width";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  /** Numbers stand under each other by their last digit. */
  right?: boolean;
}

/** The rows as aligned lines under their titles; two spaces between columns, none at the end of a line. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => width(line[index] ?? ""))));
  return cells.map((line) =>
    line
      .map((text, index) => {
        const space = " ".repeat((widths[index] ?? 0) - width(text));
        return columns[index]?.right ? space + text : text + space;
      })
      .join("  ")
      .trimEnd(),
  );
}
