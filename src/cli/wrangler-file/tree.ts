/** The values of a configuration file with their lines, for each format. */

export type Path = readonly (string | number)[];

export type Node = { line: number } & (
  | { kind: "table"; entries: Map<string, Node> }
  | { kind: "list"; items: Node[] }
  | { kind: "value"; value: unknown }
);

/** Far more than any configuration needs. A limit, because functions that walk the tree are recursive. */
const DEEPEST = 100;

/** The file is not valid TOML or JSON. */
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

/** By node. Each check looks for the pools of each server again, and a file may have thousands. */
const plains = new WeakMap<Node, unknown>();

/** The value as plain data, the same each time, of a tree that is read to its end; `undefined`: none. */
export function valueAt(root: Node, path: Path): unknown {
  const node = find(root, path);
  if (node && !plains.has(node)) plains.set(node, plain(node));
  return node && plains.get(node);
}

/** The line of the key, or of the nearest key around it; `null`: the whole file. */
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
  // No assignment: a key may be called "__proto__".
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry)]));
}

function isDeeper(node: Node, levels: number): boolean {
  if (node.kind === "value") return false;
  if (levels === 0) return true;
  const children = node.kind === "list" ? node.items : [...node.entries.values()];
  return children.some((one) => isDeeper(one, levels - 1));
}

/** The value as a table; an empty one if it is something else. */
export function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The value as a list; an empty one if it is something else. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
