/** The content of a file of names and digests: JSON, as the secret ADMIN_TOKENS takes it. */
import { ADMIN_TOKENS, type NamedToken, readAdminTokens } from "../../config/admin-tokens.ts";
import { pathOf } from "../../config/problem.ts";
import { readJson } from "../wrangler-file/json.ts";
import type { Finding } from "../wrangler-file/report.ts";
import { FileError, lineOf, type Node, type Path, tableOf } from "../wrangler-file/tree.ts";
import type { Entries, Entry } from "./entries.ts";

export interface TokenFile {
  /** What is wrong with it: the Worker would take none of it, or no entry that has a mistake. */
  findings: Finding[];
  /** Every name, also one that has a mistake; empty if the text is not JSON. */
  tables: Map<string, unknown>;
  /** The names without a mistake. */
  tokens: NamedToken[];
}

/** An empty file has no names. */
export function readEntries(text: string): TokenFile {
  if (text.trim() === "") return { findings: [], tables: new Map(), tokens: [] };
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { findings: [notJson(text)], tables: new Map(), tokens: [] };
  }
  const { tokens, problems } = readAdminTokens(given);
  const findings = problems.map(({ path, text: message }) => {
    const inFile = path.slice(1).map((step) => (typeof step === "symbol" ? String(step) : step));
    return findingAt(inFile, message, text);
  });
  return { findings, tables: new Map(Object.entries(tableOf(given))), tokens };
}

/** Of a file without findings. */
export function entriesOf({ tables }: TokenFile): Entries {
  return tables as ReadonlyMap<string, Entry>;
}

function findingAt(path: Path, message: string, text: string): Finding {
  const tree = treeOf(text);
  const line = tree instanceof FileError || path.length === 0 ? null : lineOf(tree, path);
  return {
    severity: "error",
    line,
    key: path.length === 0 ? ADMIN_TOKENS : pathOf(path),
    message,
    environment: null,
  };
}

/** What V8 says of an error would quote the text, in which somebody may have put a token. */
function notJson(text: string): Finding {
  const tree = treeOf(text);
  const [line, message] =
    tree instanceof FileError
      ? [tree.line, tree.message]
      : [null, "not JSON as the Worker takes it: without comments, and no comma before a bracket"];
  return { severity: "error", line, key: null, message, environment: null };
}

function treeOf(text: string): Node | FileError {
  try {
    return readJson(text);
  } catch (error) {
    if (error instanceof FileError) return error;
    throw error;
  }
}

/** A line for each name, so that a change of one is a change of one line. */
export function textOf(entries: Entries): string {
  const lines = [...entries].map(([name, entry]) => `  ${JSON.stringify(name)}: ${spaced(entry)}`);
  return lines.length === 0 ? "{}\n" : `{\n${lines.join(",\n")}\n}\n`;
}

function spaced({ sha256, may, pools }: Entry): string {
  const keys = Object.entries({ sha256, may, ...(pools === undefined ? {} : { pools }) });
  const inside = keys.map(
    ([key, value]) => `"${key}": ${Array.isArray(value) ? listOf(value) : `"${value}"`}`,
  );
  return `{ ${inside.join(", ")} }`;
}

function listOf(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;
}
