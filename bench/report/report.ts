import type { Row } from "../rows.ts";

/** Everything that one run found. */
export interface Report {
  machine: Record<string, string>;
  rounds: number;
  sections: Section[];
}

/** One scenario's part. */
export interface Section {
  scenario: string;
  about: string;
  rows: Row[];
  notes: string[];
  /** Why there is nothing, or not all. */
  error?: string;
}
