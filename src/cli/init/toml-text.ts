/** Values and pools as TOML. */
import type { PoolTable, Value } from "./pool-table.ts";

export function tomlOf(value: Value): string {
  if (typeof value === "string") return textOf(value);
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map(tomlOf).join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([key, entry]) => `${keyOf(key)} = ${tomlOf(entry)}`)
    .join(", ")} }`;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** JSON's escapes are TOML's too, and TOML escapes DEL besides. */
function textOf(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll("\u007f", "\\u007f");
}

/** A text over several lines, as it reads, if TOML can have it so. */
export function longText(text: string): string {
  const isPlain = text.includes("\n") && !/'''|'$|[^\n\t -~\u00a0-\ud7ff\ue000-\uffff]/.test(text);
  return isPlain ? `'''\n${text}'''` : textOf(text);
}

function keyOf(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : textOf(key);
}

/** The table `[vars.<variable>.<pool>]`. */
export function poolToml(pool: PoolTable, variable: string): string {
  return [
    ...pool.comments.map((comment) => `# ${comment}`),
    `[vars.${variable}.${keyOf(pool.name)}]`,
    ...entriesOf(pool).flatMap(([key, value]) =>
      key === "servers" ? serverLines(pool) : `${key} = ${tomlOf(value)}`,
    ),
  ].join("\n");
}

/** All keys of the pool. */
export function entriesOf({ hosts, pathPrefixes = [], servers, keys }: PoolTable): [string, Value][] {
  const [first = "/", ...others] = pathPrefixes;
  const prefix: Value = others.length > 0 ? pathPrefixes : first;
  return [
    ["hosts", hosts],
    ...(prefix === "/" ? [] : [["path_prefix", prefix] satisfies [string, Value]]),
    ["servers", servers],
    ...keys,
  ];
}

function serverLines({ servers }: PoolTable): string[] {
  return ["servers = [", ...servers.map((server) => `  ${tomlOf(server)},`), "]"];
}
