/** The names in a file of tokens that the Tab key completes. */
import { readFileSync, statSync } from "node:fs";
import { readEntries } from "../token/entries-text.ts";

/** Without those that have a mistake. Never throws: none if there is no file that can be read. */
export function namesInTokenFile(file: string): string[] {
  try {
    // To read a pipe could take for ever.
    if (!statSync(file).isFile()) return [];
    return readEntries(readFileSync(file, "utf8")).tokens.map(({ name }) => name);
  } catch {
    return [];
  }
}
