/** Finds and reads the file that wrangler takes, for commands. */
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";
import { type FileKind, findWranglerFile, kindOf, WRANGLER_FILES } from "./read.ts";

export interface WranglerFile {
  file: string;
  kind: FileKind;
  text: string;
}

/** `given`: its path; `undefined`: in this folder or one above. */
export async function openWranglerFile(given: string | undefined): Promise<WranglerFile> {
  const file = given ?? defaultFile();
  const kind = kindOf(file);
  if (kind === null) throw unknownKind(file);
  return { file, kind, text: await textOf(file) };
}

function defaultFile(): string {
  const found = findWranglerFile(process.cwd());
  if (found !== null) return relative("", found);
  const names = WRANGLER_FILES.join(", ");
  throw new CliError(EXIT.usage, `None of ${names} is here or in a folder above: name the file.`);
}

function unknownKind(file: string): CliError {
  return new CliError(
    EXIT.usage,
    `"${printable(file)}" is not a file of wrangler's: its name would end in .toml, .json or .jsonc.`,
  );
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new CliError(EXIT.usage, `Cannot read "${printable(file)}": ${printable(why)}.`);
  }
}
