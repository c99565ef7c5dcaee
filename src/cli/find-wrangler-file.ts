import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** In wrangler's order (4.164): a wrangler.json in a folder above goes before a wrangler.toml in this one. */
export const WRANGLER_FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** The file that wrangler would take in this folder; null if there is none. */
export function findWranglerFile(folder: string): string | null {
  const folders = [resolve(folder)];
  for (let below = folders[0] as string; dirname(below) !== below; below = dirname(below)) {
    folders.push(dirname(below));
  }
  const paths = WRANGLER_FILES.flatMap((name) => folders.map((one) => join(one, name)));
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}
