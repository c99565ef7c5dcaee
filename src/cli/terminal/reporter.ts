import cliTruncate from "cli-truncate";
import { canRedraw, type Output, type Style, styleOf, widthOf } from "./style.ts";

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
  readonly #redraws: boolean;
  #shared = false;
  #liveDrawn = false;
  #lastChange: string | null = null;

  constructor(output: Output, json: boolean) {
    this.#output = output;
    this.#json = json;
    this.#redraws = canRedraw(output) && !json;
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
    if (this.#redraws) {
      // One column less than there is: a full line makes some terminals wrap.
      this.#output.write(TO_LINE_START + cliTruncate(`sluice: ${words}`, widthOf(this.#output) - 1));
      this.#liveDrawn = true;
    } else if (change !== this.#lastChange) {
      this.#lastChange = change;
      this.#line(told, change);
    }
  }

  /** Whether from here on somebody else writes to the same place, who may stop in the middle of a line. */
  share(shared: boolean): void {
    this.#shared = shared;
  }

  /** Takes the live line away, so that others can write. */
  clear(): void {
    if (this.#liveDrawn) this.#output.write(TO_LINE_START);
    this.#liveDrawn = false;
  }

  #line(told: Told, words: string): void {
    const start = this.#shared ? "\n" : "";
    this.#output.write(this.#json ? `${start}${JSON.stringify(told)}\n` : `sluice: ${words}\n`);
  }
}
