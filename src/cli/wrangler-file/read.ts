import { readJson } from "./json.ts";
import { readToml } from "./toml.ts";
import { FileError, type Node, refuseTooDeep } from "./tree.ts";

export type FileKind = "toml" | "json";

/** By its name, as wrangler does; null for a file that is none of its own. */
export function kindOf(fileName: string): FileKind | null {
  if (fileName.endsWith(".toml")) return "toml";
  return /\.jsonc?$/.test(fileName) ? "json" : null;
}

/** Throws a `FileError`, and nothing else, whatever the text. */
export function readFileText(text: string, kind: FileKind): Node {
  const plain = text.replace(/^\uFEFF/, "");
  try {
    const root = kind === "toml" ? readToml(plain) : readJson(plain);
    refuseTooDeep(root);
    return root;
  } catch (error) {
    // The parsers recurse, and what is nested deep enough takes all of the stack.
    if (error instanceof RangeError) throw new FileError(null, "is nested too deep to be read");
    throw error;
  }
}
