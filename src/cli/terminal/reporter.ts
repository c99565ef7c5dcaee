import cliTruncate from "cli-truncate";
import { type Output, type Style, styleOf } from "./style.ts";

/** Something that happened, for `--json`: one object a line. */
export type Told = { event: string } & Record<string, unknown>;

const TO_LINE_START = "\r\x1b[2K";

/**
 * Tells how a command gets on: on a terminal with a line that changes in place, into a pipe with a plain line for
 * each change, with `--json` with an object for each.
 */
export class Reporter {
  readonly style: Style;
  readonly #output: Output;
  readonly #json: boolean;
  #liveDrawn = false;
  #lastChange: string | null = null;

  constructor(output: Output, json: boolean) {
    this.#output = output;
    this.#json = json;
    this.style = json ? (_, text) => text : styleOf(output);
  }

  /** Something that stays on record; `null`: for machines only. */
  tell(told: Told, words: string | null): void {
    this.clear();
    this.#lastChange = null;
    if (words !== null || this.#json) this.#line(told, words ?? "");
  }

  /** How it is now. `change` is what of it is worth a line of its own where nothing can change in place. */
  live(told: Told, words: string, change: string): void {
    if (this.#output.isTTY && !this.#json) {
      // One column less than there is: a full line makes some terminals wrap.
      this.#output.write(TO_LINE_START + cliTruncate(`sluice: ${words}`, (this.#output.columns ?? 80) - 1));
      this.#liveDrawn = true;
    } else if (change !== this.#lastChange) {
      this.#lastChange = change;
      this.#line(told, change);
    }
  }

  /** Takes the live line away, so that others can write. */
  clear(): void {
    if (this.#liveDrawn) this.#output.write(TO_LINE_START);
    this.#liveDrawn = false;
  }

  #line(told: Told, words: string): void {
    this.#output.write(this.#json ? `${JSON.stringify(told)}\n` : `sluice: ${words}\n`);
  }
}
