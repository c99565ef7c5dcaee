import { TITLES } from "../subjects/subject.ts";
import { baseOf, cellOf, nameOf, subjectsOf, verdict } from "./cells.ts";
import type { Report, Section } from "./report.ts";

/** The same table for bench/README.md. */
export function markdownOf(report: Report): string {
  const machine = Object.entries(report.machine).map(([key, value]) => `| ${key} | ${value} |`);
  const head = ["| | |", "| --- | --- |", ...machine, `| rounds | ${report.rounds} |`];
  return [...head, ...report.sections.flatMap(sectionLines)].join("\n");
}

function sectionLines(section: Section): string[] {
  const { scenario, about, rows, notes } = section;
  const subjects = subjectsOf(section);
  const base = baseOf(section);
  const wanted = rows.some((row) => row.targets);
  const headings = ["", ...subjects.map((name) => TITLES[name]), ...(wanted ? ["wanted of Sluice"] : [])];
  const lines = rows.map((row) => {
    const cells = subjects.map((name) => {
      const cell = cellOf(row, name);
      if (!cell) return "";
      return [cell.median, cell.ratio, cell.range && `<br>${cell.range}`].filter(Boolean).join(" ");
    });
    const targets = row.targets?.map(
      (target) => `${target.wanted}: **${verdict(target)}**${target.met ? "" : `, ${target.found}`}`,
    );
    return tableLine([nameOf(row), ...cells, ...(wanted ? [targets?.join("<br>") ?? ""] : [])]);
  });
  return [
    "",
    `### ${scenario}`,
    "",
    `${about}${base ? `; × is the ratio to ${base}` : ""}.`,
    "",
    tableLine(headings),
    tableLine(headings.map((_, n) => (n === 0 ? "---" : "---:"))),
    ...lines,
    ...notes.flatMap((note) => ["", note]),
  ];
}

function tableLine(cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
