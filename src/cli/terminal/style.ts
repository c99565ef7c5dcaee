import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

/** A terminal, or a pipe, or a file. */
export type Output = NodeJS.WritableStream &
  Partial<Pick<WriteStream, "isTTY" | "columns" | "rows" | "getColorDepth">>;

type Format = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "inverse";
export type Style = (format: Format, text: string) => string;

/** Colours where this very output is a terminal that wants them (`NO_COLOR`, `FORCE_COLOR`, `TERM=dumb`). */
export function styleOf(output: Output, env: NodeJS.ProcessEnv = process.env): Style {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  const coloured = output.isTTY ? (output.getColorDepth?.(env) ?? 1) > 1 : forced && !env.NO_COLOR;
  // Newer versions of Node would ask stdout again whether it wants them (22.13).
  return coloured ? (format, text) => styleText(format, text, { validateStream: false }) : (_, text) => text;
}

/** Whether a line, or all of it, can be drawn anew. */
export function canRedraw({ isTTY }: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  return Boolean(isTTY) && env.TERM !== "dumb";
}

/** Columns that a line may have. */
export function widthOf({ isTTY, columns = 80 }: Output): number {
  // 0 is what a terminal says that does not know.
  return isTTY ? columns || 80 : Number.POSITIVE_INFINITY;
}
