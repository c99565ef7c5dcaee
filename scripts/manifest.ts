import { readFile } from "node:fs/promises";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");

interface Manifest {
  name: string;
  version: string;
  license: string;
  devDependencies: Record<string, string>;
}

/** What stands in the package.json of this folder. */
export async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
}
