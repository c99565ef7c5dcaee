/** Lines come every quarter of a second, more or less: the fourth is due. */
const LINE_EVERY_MS = 900;
const ERASE_LINE = "\r\x1b[2K";

/** What is told of an act. */
export interface Lines {
  say(line: string): void;
  show(line: string): void;
}

/** Lines that stay, and one below them that is rewritten; where nothing can be rewritten, one a second stays. */
export class Progress implements Lines {
  readonly #out: NodeJS.WriteStream;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(line: string): void {
    this.clear();
    this.#out.write(`${line}\n`);
  }

  show(line: string): void {
    if (this.#out.isTTY) {
      // A line that wraps could not be erased.
      this.#out.write(ERASE_LINE + line.slice(0, (this.#out.columns || 80) - 1));
    } else if (performance.now() - this.#writtenAt >= LINE_EVERY_MS) {
      this.#writtenAt = performance.now();
      this.#out.write(`${line}\n`);
    }
  }

  /** The same, each line with the time since now. */
  timed(): Lines {
    const start = performance.now();
    const timed = (line: string) => `${seconds(performance.now() - start)}  ${line}`;
    return { say: (line) => this.say(timed(line)), show: (line) => this.show(timed(line)) };
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write(ERASE_LINE);
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(4)} s`;
}
