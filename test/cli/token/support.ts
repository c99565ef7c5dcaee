import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { Run } from "../command.ts";
import { Folder } from "../script.ts";

const NOWHERE = "http://127.0.0.1:1";
export const FILE = "admin-tokens.json";
export const DIGEST = "ab".repeat(32);
export const OTHER = "cd".repeat(32);

export const sha256 = (token: string) => createHash("sha256").update(token).digest("hex");

/** A folder with a file of names, if there is any. */
export async function folderWith(content?: unknown): Promise<string> {
  const { path } = await Folder.make();
  const text = typeof content === "string" ? content : JSON.stringify(content);
  if (content !== undefined) await writeFile(join(path, FILE), text);
  return path;
}

/** Runs `sluice token` with neither a Sluice nor a token. */
export async function token(
  cwd: string,
  args: string[],
  more: { env?: NodeJS.ProcessEnv; input?: string } = {},
) {
  const env = { SLUICE_URL: undefined, SLUICE_TOKEN: undefined, ...more.env };
  const run = new Run(["token", ...args], { url: NOWHERE, cwd, ...more, env });
  const code = await run.code;
  expect(run.stderr).not.toMatch(/\n\s+at /);
  return { code, stdout: run.stdout, stderr: run.stderr };
}

export const textIn = (folder: string) => readFile(join(folder, FILE), "utf8");
export const entriesIn = async (folder: string) => JSON.parse(await textIn(folder));
