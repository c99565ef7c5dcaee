import { differences, median, ratios } from "./measure/statistics.ts";
import type { Row, Target } from "./rows.ts";
import { type SubjectName, TITLES } from "./subjects/subject.ts";

type Bound = { least: number } | { most: number };

/** The median over the rounds of Sluice's value divided by another subject's. */
export function ratioTarget(row: Row, to: SubjectName, bound: Bound): void {
  compare(row, to, ratios, bound, (value) => `${value.toFixed(2)} of ${TITLES[to]}`);
}

/** The same, subtracted. */
export function differenceTarget(row: Row, from: SubjectName, bound: Bound): void {
  compare(row, from, differences, bound, (value) => `${value.toFixed(2)} ${row.unit} over ${TITLES[from]}`);
}

/** How far Sluice stays behind another subject, each in shares of a third one's value. */
export function behindTarget(row: Row, other: SubjectName, base: SubjectName, most: number): void {
  const say = (value: number) => `${value.toFixed(2)} of ${TITLES[base]} below ${TITLES[other]}`;
  const wanted = `at most ${say(most)}`;
  const [own, others, bases] = [row.cells.sluice, row.cells[other], row.cells[base]];
  if (!own || !others || !bases) {
    const missing = own ? (others ? base : other) : "sluice";
    addTarget(row, { wanted, met: null, found: `${TITLES[missing]} was not measured` });
    return;
  }
  const behind = median(differences(ratios(others, bases), ratios(own, bases)));
  addTarget(row, { wanted, met: behind <= most, found: say(behind) });
}

/** The median of Sluice's value by itself. */
export function medianTarget(row: Row, bound: Bound): void {
  const value = median(row.cells.sluice ?? []);
  const say = (value: number) => `${Math.round(value).toLocaleString("en-GB")} ${row.unit}`;
  addTarget(row, { wanted: words(bound, say), met: holds(value, bound), found: say(value) });
}

/** What Sluice must never do, in no round. */
export function neverTarget(row: Row): void {
  const count = (row.cells.sluice ?? []).reduce((sum, value) => sum + value, 0);
  addTarget(row, { wanted: "none", met: count === 0, found: String(count) });
}

export function addTarget(row: Row, target: Target): void {
  row.targets = [...(row.targets ?? []), target];
}

function compare(
  row: Row,
  other: SubjectName,
  how: (values: number[], bases: number[]) => number[],
  bound: Bound,
  say: (value: number) => string,
): void {
  const [own, base] = [row.cells.sluice, row.cells[other]];
  const wanted = words(bound, say);
  if (!own || !base) {
    addTarget(row, { wanted, met: null, found: `${TITLES[own ? other : "sluice"]} was not measured` });
    return;
  }
  const value = median(how(own, base));
  addTarget(row, { wanted, met: holds(value, bound), found: say(value) });
}

function holds(value: number, bound: Bound): boolean {
  return "least" in bound ? value >= bound.least : value <= bound.most;
}

function words(bound: Bound, say: (value: number) => string): string {
  return "least" in bound ? `at least ${say(bound.least)}` : `at most ${say(bound.most)}`;
}
