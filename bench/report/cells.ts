import { median, ratios } from "../measure/statistics.ts";
import type { Row, Target } from "../rows.ts";
import { COLUMNS, type SubjectName, TITLES } from "../subjects/subject.ts";
import type { Section } from "./report.ts";

/** The subjects that a section measured, in the order of all tables. */
export function subjectsOf(section: Section): SubjectName[] {
  return COLUMNS.filter((name) => section.rows.some((row) => row.cells[name]));
}

/** What the ratios of a section's rows are to; they all agree. */
export function baseOf(section: Section): string | null {
  const base = section.rows.find((row) => row.base && row.cells[row.base])?.base;
  return base ? TITLES[base] : null;
}

export interface Cell {
  median: string;
  /** Empty where all rounds agree. */
  range: string;
  /** To the row's base; empty for the base itself, and where there is none. */
  ratio: string;
}

export function cellOf(row: Row, name: SubjectName): Cell | null {
  const values = row.cells[name];
  if (!values) return null;
  const base = row.base && row.base !== name ? row.cells[row.base] : undefined;
  const [low, high] = [shown(Math.min(...values)), shown(Math.max(...values))];
  return {
    median: shown(median(values)),
    range: low === high ? "" : `${low}–${high}`,
    ratio: base ? ratioOf(values, base) : "",
  };
}

function ratioOf(values: number[], base: number[]): string {
  const ratio = median(ratios(values, base));
  return Number.isFinite(ratio) ? `×${ratio.toFixed(2)}` : "";
}

/** Three digits, or all before the point. */
export function shown(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-GB");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

export function nameOf(row: Row): string {
  return row.unit ? `${row.name}, ${row.unit}` : row.name;
}

export function verdict({ met }: Target): string {
  if (met === null) return "not told";
  return met ? "yes" : "no";
}
