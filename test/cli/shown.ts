import { stripVTControlCharacters } from "node:util";

/** Stands for the sequence that erases a line: no output has a form feed. */
const [ERASE_LINE, ERASED] = ["\u001b[2K", "\f"];

/** What a terminal shows of this output: its lines, without the spaces at their ends. */
export function shownOn(columns: number, output: string): string[] {
  const lines: string[][] = [[]];
  let column = 0;
  const newLine = () => {
    lines.push([]);
    column = 0;
  };
  for (const char of stripVTControlCharacters(output.replaceAll(ERASE_LINE, ERASED))) {
    if (char === "\r") column = 0;
    else if (char === "\n") newLine();
    else if (char === ERASED) lines[lines.length - 1] = [];
    else {
      // Only with the next character, as terminals do it: after a full line, "\r" goes to the beginning of that line.
      if (column === columns) newLine();
      const line = lines.at(-1) as string[];
      while (line.length < column) line.push(" ");
      line[column++] = char;
    }
  }
  return lines.map((line) => line.join("").trimEnd());
}
