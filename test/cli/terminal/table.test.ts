import { styleText } from "node:util";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { type Column, table } from "../../../src/cli/terminal/table.ts";

type Row = { name: string; count: number };
const COLUMNS: Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "COUNT", cell: ({ count }) => String(count), right: true, usual: ({ count }) => count === 0 },
  { title: "TWICE", cell: ({ count }) => String(2 * count), right: true },
];

test("words begin, and numbers end, under each other, and no line ends with spaces", () => {
  const rows = [
    { name: "a", count: 5 },
    { name: "longer", count: 1_234 },
  ];
  expect(table(COLUMNS, rows)).toEqual([
    "NAME    COUNT  TWICE", //
    "a           5     10",
    "longer   1234   2468",
  ]);
  expect(table(COLUMNS.slice(0, 1), rows)).toEqual(["NAME", "a", "longer"]);
});

test("without rows there are the titles", () => {
  expect(table(COLUMNS, [])).toEqual(["NAME  COUNT  TWICE"]);
});

test("what takes no room, or two columns a character, does not move what follows", () => {
  const red = styleText("red", "ab", { validateStream: false });
  const lines = table(COLUMNS, [
    { name: red, count: 1 },
    { name: "日本", count: 2 },
    { name: "é", count: 3 },
  ]);
  expect(new Set(lines.map((line) => stringWidth(line)))).toEqual(new Set([18]));
});

test("too wide, it leaves out a column that says the usual of every row", () => {
  expect(table(COLUMNS, [{ name: "a", count: 0 }], 12)).toEqual(["NAME  TWICE", "a         0"]);
});

test("too wide, it keeps a column that says more of one row, and is cut off", () => {
  const rows = [
    { name: "a", count: 0 },
    { name: "b", count: 7 },
  ];
  expect(table(COLUMNS, rows, 12)).toEqual(["NAME  COUNT…", "a         0…", "b         7…"]);
});

test("it leaves out nothing where all of it fits", () => {
  expect(table(COLUMNS, [{ name: "a", count: 0 }], 18)[0]).toBe("NAME  COUNT  TWICE");
});
