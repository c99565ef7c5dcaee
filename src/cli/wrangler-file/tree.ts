/** A configuration file as values that know their lines, whatever its format. */

export type Path = readonly (string | number)[];

export type Node = { line: number } & (
  | { kind: "table"; entries: Map<string, Node> }
  | { kind: "list"; items: Node[] }
  | { kind: "value"; value: unknown }
);

/** Far more than any configuration has; the walks here and later recurse. */
const DEEPEST = 100;

/** A file that cannot be read as what it is. */
export class FileError extends Error {
  readonly line: number | null;

  constructor(line: number | null, message: string) {
    super(message);
    this.line = line;
  }
}

export function find(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path) node = node && child(node, step);
  return node;
}

/** Plain data, `undefined` where there is nothing. */
export function valueAt(root: Node, path: Path): unknown {
  const node = find(root, path);
  return node && plain(node);
}

/** Of the key itself, or else of the nearest key around it; null where only the file as a whole is left. */
export function lineOf(root: Node, path: Path): number | null {
  let line: number | null = null;
  let node = root;
  for (const step of path) {
    const next = child(node, step);
    if (next === undefined) break;
    node = next;
    line = node.line;
  }
  return line;
}

export function refuseTooDeep(root: Node): void {
  if (isDeeper(root, DEEPEST)) throw new FileError(null, `is nested more than ${DEEPEST} deep`);
}

function child(node: Node, step: string | number): Node | undefined {
  if (node.kind === "table") return node.entries.get(String(step));
  return node.kind === "list" && typeof step === "number" ? node.items[step] : undefined;
}

function plain(node: Node): unknown {
  if (node.kind === "value") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  // Not by assignment: a key may be called "__proto__".
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry)]));
}

function isDeeper(node: Node, levels: number): boolean {
  if (node.kind === "value") return false;
  if (levels === 0) return true;
  const children = node.kind === "list" ? node.items : [...node.entries.values()];
  return children.some((one) => isDeeper(one, levels - 1));
}
