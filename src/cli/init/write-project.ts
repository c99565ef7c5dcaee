/** Puts a project's files into a folder, and overwrites none that is there unless told to. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";
import { makeFolder } from "../make-folder.ts";
import { findWranglerFile, WRANGLER_FILES } from "../wrangler-file/read.ts";
import {
  completedIgnores,
  completedManifest,
  IGNORED,
  MANIFEST,
  type Project,
  SECRETS,
  secretsOf,
  WRANGLER_FILE,
  wranglerFileOf,
} from "./project.ts";

export type Fate = "written" | "completed" | "kept";

export interface WrittenFile {
  name: string;
  fate: Fate;
  /** What there is to know of it. */
  note: string;
}

/** Refuses, before anything is written, where wrangler would read another file. */
export async function refuseOtherWranglerFile(folder: string, force: boolean): Promise<void> {
  for (const name of WRANGLER_FILES) {
    if ((await textOf(join(folder, name))) === null) continue;
    if (name === WRANGLER_FILE && force) continue;
    const advice =
      name === WRANGLER_FILE ? "--force replaces it" : `wrangler would read it instead of ${WRANGLER_FILE}`;
    throw new CliError(EXIT.usage, `${join(folder, name)} is there already: ${advice}. Nothing was written.`);
  }
  const above = findWranglerFile(folder);
  if (above !== null && !above.endsWith(WRANGLER_FILE)) {
    throw new CliError(
      EXIT.usage,
      `wrangler would read ${above} instead of ${WRANGLER_FILE} here. Nothing was written.`,
    );
  }
}

export async function writeProject(folder: string, project: Project, force: boolean): Promise<WrittenFile[]> {
  try {
    makeFolder(folder);
    // First, as it is the one that may be refused.
    const wranglerFile = await writeWranglerFile(folder, project, force);
    return [
      await writeManifest(folder, project),
      wranglerFile,
      await writeSecrets(folder, project),
      await writeIgnores(folder),
    ];
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.output, `the project cannot be written: ${(error as Error).message}`);
  }
}

async function writeManifest(folder: string, project: Project): Promise<WrittenFile> {
  const file = join(folder, MANIFEST);
  const before = await textOf(file);
  const name =
    basename(resolve(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]/g, "-")
      .replace(/^[._-]+/, "") || "sluice";
  const after = completedManifest(before, project, name);
  if (after === null)
    return { name: MANIFEST, fate: "kept", note: "it is no JSON: add sluice and wrangler yourself" };
  if (after !== before) await writeFile(file, after);
  const note = "scripts check, deploy and dev; Sluice and wrangler";
  return {
    name: MANIFEST,
    fate: before === null ? "written" : after === before ? "kept" : "completed",
    note,
  };
}

/** Without `force` it must not be there, not even as a link to a file that is not. */
async function writeWranglerFile(folder: string, project: Project, force: boolean): Promise<WrittenFile> {
  await writeFile(join(folder, WRANGLER_FILE), wranglerFileOf(project), { flag: force ? "w" : "wx" });
  return { name: WRANGLER_FILE, fate: "written", note: "your pools, and what Sluice needs" };
}

/** Nobody else may read it. A token that is there may be in use. */
async function writeSecrets(folder: string, project: Project): Promise<WrittenFile> {
  const file = join(folder, SECRETS);
  const note = "ADMIN_TOKEN for `wrangler dev` and `sluice serve`; keep it out of git";
  try {
    await writeFile(file, secretsOf(project), { flag: "wx", mode: 0o600 });
    await chmod(file, 0o600);
    return { name: SECRETS, fate: "written", note };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return { name: SECRETS, fate: "kept", note };
  }
}

async function writeIgnores(folder: string): Promise<WrittenFile> {
  const file = join(folder, IGNORED);
  const before = await textOf(file);
  const after = completedIgnores(before);
  if (after !== before) await writeFile(file, after);
  const fate = before === null ? "written" : after === before ? "kept" : "completed";
  return { name: IGNORED, fate, note: "keeps the token and what npm installs out of git" };
}

/** `null`: there is no such file. */
async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw new CliError(EXIT.usage, `Cannot read "${file}": ${(error as Error).message}.`);
  }
}
