import type { ReadStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import cliTruncate from "cli-truncate";
import type { Output } from "./output.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const [HOME, REST_OF_LINE, REST_OF_SCREEN] = ["\x1b[H", "\x1b[K", "\x1b[J"];
/** q, Ctrl-C, Ctrl-D, Escape. */
const QUIT = new Set(["q", "Q", "\x03", "\x04", "\x1b"]);

/** True if any of the keys quits. Escape does, but also begins the sequence of an arrow key. */
export function isQuit(keys: string): boolean {
  return [...stripVTControlCharacters(keys)].some((key) => QUIT.has(key));
}

/** The terminal's alternate screen, for as long as `top` runs. */
export class Screen {
  readonly #output: Output & NodeJS.EventEmitter;
  readonly #input: ReadStream;
  readonly #onResize: () => void;
  readonly #onKey: (read: Buffer) => void;

  constructor(output: Output, input: ReadStream, on: { resize: () => void; quit: () => void }) {
    this.#output = output;
    this.#input = input;
    this.#onResize = on.resize;
    this.#onKey = (read) => isQuit(read.toString()) && on.quit();
    output.write(ENTER);
    output.on("resize", this.#onResize);
    if (!input.isTTY) return;
    input.setRawMode(true);
    input.on("data", this.#onKey);
  }

  /** Overwrites the screen, which flickers less than clearing it. The last line counts the lines that do not fit. */
  draw(linesFor: (width: number) => readonly string[]): void {
    const { columns, rows } = this.#size;
    const lines = linesFor(columns);
    const more = lines.length - rows + 1;
    const fitting = more > 1 ? [...lines.slice(0, rows - 1), `… ${more} more lines`] : lines;
    const cut = fitting.map((line) => cliTruncate(line, columns) + REST_OF_LINE);
    this.#output.write(HOME + cut.join("\r\n") + REST_OF_SCREEN);
  }

  close(): void {
    this.#output.off("resize", this.#onResize);
    this.#input.off("data", this.#onKey);
    if (this.#input.isTTY) this.#input.setRawMode(false);
    this.#output.write(LEAVE);
  }

  /** A terminal that does not know its size reports 0. */
  get #size(): { columns: number; rows: number } {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }
}
