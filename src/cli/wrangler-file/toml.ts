import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { FileError, type Node, type Path } from "./tree.ts";

export function readToml(text: string): Node {
  const root = tableAt(1);
  for (const part of parse(text).body[0].body) {
    if (part.type === "TOMLKeyValue") assign(root, part);
    else {
      const line = part.loc.start.line;
      const table = reach(root, part.resolvedKey, line);
      // [vars.POOLS.web.check] may precede [vars.POOLS.web], whose line is this one all the same.
      table.line = line;
      for (const entry of part.body) assign(table, entry);
    }
  }
  return root;
}

function parse(text: string): AST.TOMLProgram {
  try {
    // 1.1 like wrangler's own parser: inline tables may have line breaks and a trailing comma.
    return parseTOML(text, { tomlVersion: "1.1" });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new FileError(lineOfError(text, error), `not TOML: ${error.message}`);
  }
}

/** The parser reports a line that ends too early at the beginning of the next one (toml-eslint-parser 1.0.3). */
function lineOfError(text: string, { lineNumber, column, index }: ParseError): number {
  const before = text.slice(0, index);
  if (column > 0 || isToml(before)) return lineNumber;
  const last = before.split("\n").findLastIndex((line) => !/^\s*(#.*)?$/.test(line));
  return last < 0 ? lineNumber : last + 1;
}

function isToml(text: string): boolean {
  try {
    parseTOML(text, { tomlVersion: "1.1" });
    return true;
  } catch (error) {
    if (error instanceof ParseError) return false;
    throw error;
  }
}

function assign(table: Node, { key, value }: AST.TOMLKeyValue): void {
  const names = key.keys.map((one) => (one.type === "TOMLBare" ? one.name : one.value));
  const { line } = key.loc.start;
  const holder = reach(table, names.slice(0, -1), line);
  if (holder.kind === "table") holder.entries.set(names.at(-1) as string, nodeOf(value, line));
}

function nodeOf(content: AST.TOMLContentNode, line: number): Node {
  if (content.type === "TOMLArray") {
    return { kind: "list", line, items: content.elements.map((one) => nodeOf(one, one.loc.start.line)) };
  }
  if (content.type === "TOMLInlineTable") {
    const table = tableAt(line);
    for (const entry of content.body) assign(table, entry);
    return table;
  }
  // The Worker gets a date as text.
  return { kind: "value", line, value: "datetime" in content ? content.datetime : content.value };
}

/** The node at the path. Missing tables and lists are created at this line. */
function reach(root: Node, path: Path, line: number): Node {
  let node = root;
  for (const [depth, step] of path.entries()) {
    const created: Node =
      typeof path[depth + 1] === "number" ? { kind: "list", line, items: [] } : tableAt(line);
    if (node.kind === "table") {
      const next = node.entries.get(String(step)) ?? created;
      node.entries.set(String(step), next);
      node = next;
    } else if (node.kind === "list") {
      const next = node.items[Number(step)] ?? created;
      node.items[Number(step)] = next;
      node = next;
    }
  }
  return node;
}

function tableAt(line: number): Node {
  return { kind: "table", line, entries: new Map() };
}
