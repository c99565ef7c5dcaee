/** A file of names and digests, on disk. */
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { counted } from "../../words/phrases.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { findingLine } from "../terminal/finding.ts";
import { printable, styleOf } from "../terminal/output.ts";
import type { Entries } from "./entries.ts";
import { entriesOf, readEntries, textOf } from "./entries-text.ts";

/** `null`: there is no such file. */
async function tokenFileText(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new CliError(EXIT.usage, `Cannot read "${printable(file)}": ${printable(message)}.`);
  }
}

/** Throws a `CliError` where there is no such file. */
export async function existingTokenFileText(file: string): Promise<string> {
  const text = await tokenFileText(file);
  if (text === null) {
    throw new CliError(EXIT.usage, `Cannot read "${printable(file)}": there is no such file.`);
  }
  return text;
}

/** Replaces what is in the file by what `change` makes of it, wholly or not at all. Returns that. */
export async function changeTokenFile(file: string, change: (entries: Entries) => Entries): Promise<Entries> {
  const before = await tokenFileText(file);
  const content = readEntries(before ?? "");
  refuseMistakes(
    file,
    content.findings.map((finding) => findingLine(file, finding, styleOf(process.stderr))),
  );
  const entries = change(entriesOf(content));
  if ((await tokenFileText(file)) !== before) {
    throw new CliError(
      EXIT.output,
      `${printable(file)} has changed meanwhile: once more, please. Nothing was written.`,
    );
  }
  await replace(file, textOf(entries));
  return entries;
}

/** A file with mistakes is left as it is: what was meant is not for us to say. */
function refuseMistakes(file: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  process.stderr.write(lines.map((line) => `${line}\n`).join(""));
  const count = counted(lines.length, "error");
  throw new CliError(EXIT.invalid, `${count} in ${printable(file)}: nothing was written`);
}

/** By a file beside it, so that whatever happens one of both is whole. A link stays one. */
async function replace(file: string, text: string): Promise<void> {
  let beside: string | null = null;
  try {
    const target = await realpath(file).catch(() => file);
    const before = await stat(target).catch(() => null);
    const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(4).toString("hex")}`);
    const handle = await open(temporary, "wx");
    beside = temporary;
    try {
      if (before !== null) await likeBefore(handle, before);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    if (beside !== null) await rm(beside, { force: true }).catch(() => {});
    const { message } = error as Error;
    throw new CliError(EXIT.output, `${printable(file)} cannot be written: ${printable(message)}`);
  }
}

async function likeBefore(handle: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  // Only root may give files away.
  await handle.chown(uid, gid).catch(() => {});
  await handle.chmod(mode & 0o7777);
}
