import type { SubjectName } from "./subjects/subject.ts";

/** One figure, side by side: for each subject a value a round. */
export interface Row {
  scenario: string;
  name: string;
  unit: string;
  cells: Partial<Record<SubjectName, number[]>>;
  /** The subject that the others are compared with. */
  base?: SubjectName;
  targets?: Target[];
}

/** What the issue wants of a figure. */
export interface Target {
  wanted: string;
  /** `null`: not to be told here, with the reason in `found`. */
  met: boolean | null;
  found: string;
}

export class Rows {
  readonly all: Row[] = [];
  readonly #scenario: string;

  constructor(scenario: string) {
    this.#scenario = scenario;
  }

  /** Adds a round's value to the row of this name, which comes to be with its first value. */
  add(name: string, unit: string, subject: SubjectName, value: number, base?: SubjectName): void {
    if (!Number.isFinite(value)) throw new Error(`${this.#scenario}, ${name} of ${subject}: ${value}`);
    let row = this.all.find((one) => one.name === name);
    if (!row) {
      row = { scenario: this.#scenario, name, unit, cells: {}, ...(base ? { base } : {}) };
      this.all.push(row);
    }
    const cell = row.cells[subject] ?? [];
    cell.push(value);
    row.cells[subject] = cell;
  }

  row(name: string): Row {
    const row = this.all.find((one) => one.name === name);
    if (!row) throw new Error(`nothing was measured as ${name} of ${this.#scenario}`);
    return row;
  }
}
