import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

/** A terminal, a pipe or a file. */
export type Output = NodeJS.WritableStream &
  Partial<Pick<WriteStream, "isTTY" | "columns" | "rows" | "getColorDepth">>;

type Format = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "inverse";
export type Style = (format: Format, text: string) => string;

/** Colours, if this output is a terminal that has some (`NO_COLOR`, `FORCE_COLOR`, `TERM=dumb`). */
export function styleOf(output: Output, env: NodeJS.ProcessEnv = process.env): Style {
  const isForced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  const isColoured = output.isTTY ? (output.getColorDepth?.(env) ?? 1) > 1 : isForced && !env.NO_COLOR;
  // Without the option, Node from 22.13 on would examine stdout instead of this output.
  return isColoured
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_, text) => text;
}

/** True if a line, or the whole screen, can be drawn again in place. */
export function canRedraw({ isTTY }: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(isTTY) && env.TERM !== "dumb";
}

/** Columns of a line; no limit unless the output is a terminal. */
export function widthOf({ isTTY, columns = 80 }: Output): number {
  // A terminal that does not know its width reports 0.
  return isTTY ? columns || 80 : Number.POSITIVE_INFINITY;
}

/** Text from elsewhere, without control characters that could move the cursor or hide text on our terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => (char === "\n" || char === "\t" ? " " : "?"));
}

/** The same in quotation marks, for a name or a reason within a sentence. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}

/**
 * Whose a drain is: `"ci"`, who began it; and its owner where that is another name, by which one tells several of theirs
 * apart: `"deploy-42" of "ci"`.
 */
export function holderOf({ owner, by }: { owner: string; by: string }): string {
  return owner === by ? quoted(by) : `${quoted(owner)} of ${quoted(by)}`;
}

/** A word as a shell takes it, for commands to be typed. */
export function inShell(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", "'\\''")}'`;
}
