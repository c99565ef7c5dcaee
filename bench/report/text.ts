import { TITLES } from "../subjects/subject.ts";
import { baseOf, cellOf, nameOf, subjectsOf, verdict } from "./cells.ts";
import type { Report, Section } from "./report.ts";

const NAME_WIDTH = 46;
const WIDTH = 22;

/** The table for a terminal: medians, below them the spread and what is wanted. */
export function textOf(report: Report): string {
  const machine = Object.entries(report.machine).map(([key, value]) => `${key.padEnd(16)}${value}`);
  return [
    ...machine,
    `${"rounds".padEnd(16)}${report.rounds}`,
    ...report.sections.flatMap(sectionLines),
  ].join("\n");
}

function sectionLines(section: Section): string[] {
  const { scenario, about, rows, notes, error } = section;
  const subjects = subjectsOf(section);
  const base = baseOf(section);
  const lines = ["", `${scenario}: ${about}${base ? `; × is to ${base}` : ""}`];
  if (rows.length > 0) {
    lines.push(
      line(
        "",
        subjects.map((name) => TITLES[name]),
      ),
    );
  }
  for (const row of rows) {
    const cells = subjects.map((name) => cellOf(row, name));
    lines.push(
      line(
        nameOf(row),
        cells.map((cell) => (cell ? `${cell.median} ${cell.ratio}`.trim() : "")),
      ),
    );
    if (cells.some((cell) => cell?.range))
      lines.push(
        line(
          "",
          cells.map((cell) => cell?.range ?? ""),
        ),
      );
    for (const target of row.targets ?? []) {
      lines.push(`    wanted ${target.wanted}, found ${target.found}: ${verdict(target)}`);
    }
  }
  lines.push(...notes);
  if (error) lines.push(`FAILED: ${error}`);
  return lines;
}

function line(name: string, cells: string[]): string {
  return `${name.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(WIDTH)).join("")}`.trimEnd();
}
