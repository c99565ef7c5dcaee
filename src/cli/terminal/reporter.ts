import cliTruncate from "cli-truncate";
import { canRedraw, type Output, type Style, styleOf, widthOf } from "./output.ts";

/** A line of `--json`. */
export type JsonEvent = { event: string } & Record<string, unknown>;

const TO_LINE_START = "\r\x1b[2K";

/**
 * Reports the progress of a command: on a terminal by a line that changes in place, into a pipe by a plain line for
 * each change, with `--json` by an object for each change.
 */
export class Reporter {
  readonly style: Style;
  readonly #output: Output;
  readonly #json: boolean;
  readonly #canRedraw: boolean;
  #isShared = false;
  /** A command has written here since our last line, and may have left a line unfinished. */
  #mayBeInLine = false;
  #hasLiveLine = false;
  #lastChange: string | null = null;

  constructor(output: Output, json: boolean) {
    this.#output = output;
    this.#json = json;
    this.#canRedraw = canRedraw(output) && !json;
    this.style = json ? (_, text) => text : styleOf(output);
  }

  /** A line that stays; `words`: `null` if it is for `--json` only. */
  report(event: JsonEvent, words: string | null): void {
    this.clear();
    this.#lastChange = null;
    if (words !== null || this.#json) this.#line(event, words ?? "");
  }

  /** The line that changes in place. Where none can, a line of `change` is written whenever that is another text. */
  live(event: JsonEvent, words: string, change: string): void {
    if (this.#canRedraw) {
      this.#beginLine();
      // One column is left free: some terminals wrap a full line.
      this.#output.write(TO_LINE_START + cliTruncate(`sluice: ${words}`, widthOf(this.#output) - 1));
      this.#hasLiveLine = true;
    } else if (change !== this.#lastChange) {
      this.#lastChange = change;
      this.#line(event, change);
    }
  }

  /** While a command writes there too, which may leave a line unfinished, each of ours begins a new one. */
  share(isShared: boolean): void {
    this.#isShared = isShared;
    this.#mayBeInLine ||= isShared;
  }

  /** Removes the live line, so that others can write. */
  clear(): void {
    if (this.#hasLiveLine) this.#output.write(TO_LINE_START);
    this.#hasLiveLine = false;
  }

  #line(event: JsonEvent, words: string): void {
    this.#beginLine();
    this.#output.write(this.#json ? `${JSON.stringify(event)}\n` : `sluice: ${words}\n`);
  }

  #beginLine(): void {
    if (this.#mayBeInLine) this.#output.write(this.#canRedraw ? this.#toEmptyLine() : "\n");
    this.#mayBeInLine = this.#isShared;
  }

  /**
   * Nobody knows where the command has left the cursor. A line's width of spaces goes on to the next line if it is within
   * one, and else fills the empty line that it stands on, which is then erased.
   */
  #toEmptyLine(): string {
    return " ".repeat(widthOf(this.#output)) + TO_LINE_START;
  }
}
