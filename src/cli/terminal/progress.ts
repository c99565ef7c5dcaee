import { clause, inPool } from "../client/failures.ts";
import type { CliError } from "../exit-codes.ts";
import type { JsonEvent, Reporter } from "./reporter.ts";

/** The progress of a command on one pool: words for people, which begin with its name, and objects for `--json`. */
export class Progress {
  protected readonly pool: string;
  protected readonly reporter: Reporter;

  constructor(pool: string, reporter: Reporter) {
    this.pool = pool;
    this.reporter = reporter;
  }

  reached(): void {
    this.report({ event: "reached" }, "Sluice answers again");
  }

  failed(error: CliError): void {
    const { pool, reporter } = this;
    reporter.report(
      { pool, event: "failed", error: error.message },
      `${pool}: ${this.red(inPool(pool, error.message))}`,
    );
  }

  /** `words`: `null` for an event that is reported with `--json` only. */
  protected report(event: JsonEvent, words: string | null): void {
    this.reporter.report({ pool: this.pool, ...event }, words === null ? null : `${this.pool} ${words}`);
  }

  protected live(event: JsonEvent, words: string, change: string): void {
    this.reporter.live({ pool: this.pool, ...event }, `${this.pool} ${words}`, `${this.pool} ${change}`);
  }

  /** The error as a part of a longer sentence. */
  protected clause({ message }: CliError): string {
    return clause(inPool(this.pool, message));
  }

  protected red(text: string): string {
    return this.reporter.style("red", text);
  }
}
