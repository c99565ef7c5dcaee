import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readJson } from "./json.ts";
import { readToml } from "./toml.ts";
import { FileError, type Node, refuseTooDeep } from "./tree.ts";

/** In the order of wrangler 4.164: a wrangler.json in a folder above precedes a wrangler.toml in this one. */
export const WRANGLER_FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** The path of the file that wrangler reads in this folder; `null`: none. */
export function findWranglerFile(folder: string): string | null {
  const folders = [resolve(folder)];
  for (let below = folders[0] as string; dirname(below) !== below; below = dirname(below)) {
    folders.push(dirname(below));
  }
  const paths = WRANGLER_FILES.flatMap((name) => folders.map((one) => join(one, name)));
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}

export type FileKind = "toml" | "json";

/** By the file's name, as wrangler decides; `null`: not a file of wrangler's. */
export function kindOf(fileName: string): FileKind | null {
  if (fileName.endsWith(".toml")) return "toml";
  return /\.jsonc?$/.test(fileName) ? "json" : null;
}

/** Throws a `FileError`, and nothing else, for any text. */
export function readFileText(text: string, kind: FileKind): Node {
  const plain = text.replace(/^\uFEFF/, "");
  try {
    const root = kind === "toml" ? readToml(plain) : readJson(plain);
    refuseTooDeep(root);
    return root;
  } catch (error) {
    // The parsers are recursive: deep nesting overflows the stack.
    if (error instanceof RangeError) throw new FileError(null, "is nested too deep to be read");
    throw error;
  }
}
