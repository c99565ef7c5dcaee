import { type Node as Json, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { FileError, type Node } from "./tree.ts";

/** JSON with comments and trailing commas, which wrangler accepts in `.json` files too. */
export function readJson(text: string): Node {
  const lineAt = lineCounter(text);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first) throw new FileError(lineAt(first.offset), `not JSON: ${inWords(first)}`);
  if (tree?.type !== "object") throw new FileError(1, "not JSON: an object is expected");
  return nodeOf(tree, 1, lineAt);
}

function nodeOf(json: Json, line: number, lineAt: (offset: number) => number): Node {
  const children = json.children ?? [];
  if (json.type === "array") {
    return { kind: "list", line, items: children.map((one) => nodeOf(one, lineAt(one.offset), lineAt)) };
  }
  if (json.type !== "object") return { kind: "value", line, value: json.value };
  const entries = new Map<string, Node>();
  for (const { offset, children: [key, value] = [] } of children) {
    // The last of duplicate keys counts.
    if (key && value) entries.set(key.value, nodeOf(value, lineAt(offset), lineAt));
  }
  return { kind: "table", line, entries };
}

/** "close brace expected" for `CloseBraceExpected`. */
function inWords({ error }: ParseError): string {
  return printParseErrorCode(error)
    .replace(/\B[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
}

function lineCounter(text: string): (offset: number) => number {
  const starts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map((end) => end.index + end[0].length)];
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
