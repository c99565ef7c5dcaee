import type { Finding } from "../wrangler-file/report.ts";
import { printable, type Style } from "./output.ts";

export const COLOURS = { error: "red", warning: "yellow", note: "cyan" } as const;

/** In the format of compilers, which editors can follow. */
export function findingLine(file: string, { severity, line, key, message }: Finding, style: Style): string {
  const position = line === null ? file : `${file}:${line}`;
  const word = style(COLOURS[severity], severity);
  return `${printable(position)}: ${word}: ${printable(key === null ? message : `${key}: ${message}`)}`;
}
