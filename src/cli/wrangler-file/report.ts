import { pathOf } from "../../config/problem.ts";
import { lineOf, type Node, type Path } from "./tree.ts";

/**
 * error    the Worker, or wrangler, would refuse it
 * warning  it will surprise
 * note     it may be right, but nobody can tell from the file
 */
export type Severity = (typeof SEVERITIES)[number];

const SEVERITIES = ["error", "warning", "note"] as const;

export interface Finding {
  severity: Severity;
  /** The line of the key, or of the nearest key around it; `null`: the whole file. */
  line: number | null;
  key: string | null;
  message: string;
  /** The environment (`--env`); `null`: the top level. */
  environment: string | null;
}

/** Collects the findings of a file. */
export class Report {
  readonly #root: Node;
  /** By key and message: a finding in an inherited key comes once for each environment. */
  readonly #findings = new Map<string, Finding>();

  constructor(root: Node) {
    this.#root = root;
  }

  add(severity: Severity, path: Path, message: string, environment: string | null): void {
    const key = pathOf(path);
    const id = `${key}: ${message}`;
    if (this.#findings.has(id)) return;
    this.#findings.set(id, { severity, line: lineOf(this.#root, path), key, message, environment });
  }

  /** Ordered as `worstFirst` does. */
  findings(): Finding[] {
    return worstFirst([...this.#findings.values()]);
  }
}

/** Errors, warnings, notes; each by line, those of the whole file first. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || (a.line ?? 0) - (b.line ?? 0),
  );
}
