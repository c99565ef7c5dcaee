/** What has become of each line. */
import type { Line } from "./sections.ts";

/**
 * became    the same is in wrangler.toml
 * changed   something like it is there, which is not quite the same
 * unneeded  nothing is lost without it
 * lost      Sluice cannot do it
 */
export type Verdict = "became" | "changed" | "unneeded" | "lost";

export interface Remark {
  line: number;
  verdict: Verdict;
  message: string;
}

export class Remarks {
  /** By line and message: a line of `defaults` is looked at once for each proxy. */
  readonly #remarks = new Map<string, Remark>();
  readonly #lines = new Set<number>();

  add({ number }: Line, verdict: Verdict, message: string): void {
    this.#put(number, verdict, message);
  }

  /** The line is told of with another one. */
  cover(lines: Iterable<Line>): void {
    for (const { number } of lines) this.#lines.add(number);
  }

  has({ number }: Line): boolean {
    return this.#lines.has(number);
  }

  /** Adds those of others. */
  take(others: Remarks): void {
    for (const { line, verdict, message } of others.all()) this.#put(line, verdict, message);
  }

  /** Ordered by line; what has become of a line first. */
  all(): Remark[] {
    const isBecome = ({ verdict }: Remark) => (verdict === "became" ? 0 : 1);
    return [...this.#remarks.values()].sort((a, b) => a.line - b.line || isBecome(a) - isBecome(b));
  }

  #put(line: number, verdict: Verdict, message: string): void {
    this.#lines.add(line);
    const id = `${line} ${message}`;
    if (!this.#remarks.has(id)) this.#remarks.set(id, { line, verdict, message });
  }
}
