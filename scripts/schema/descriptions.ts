/** What docs/configuration.md says of each key, for editors to show. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const PAGE = join(import.meta.dirname, "../../docs/configuration.md");

/** By the path of the key in a pool: `slots`, `servers.url`, `check.interval`. */
export function descriptions(page = readFileSync(PAGE, "utf8")): Map<string, string> {
  const [, keys = ""] = page.split("\n## Keys\n");
  const [section = ""] = keys.split("\n## ");
  const told = new Map<string, string>();
  let parent = "";
  for (const block of section.split(/\n{2,}/)) {
    const [, table] = /^\| key(?: of `(\w+)`)? \|/.exec(block) ?? [];
    const [, list] = /^Of a server in `(\w+)`/.exec(block) ?? [];
    const [, key] = /^\*\*`(\w+)[^*]*\*\*/.exec(block) ?? [];
    if (block.startsWith("| key"))
      for (const [name, text] of rowsOf(block)) told.set(pathOf(table, name), text);
    else if (list !== undefined) parent = list;
    else if (key !== undefined) append(told, key, plain(block));
    else if (block.startsWith("- `"))
      for (const [name, text] of pointsOf(block)) told.set(pathOf(parent, name), text);
    else if (block.startsWith("#")) parent = "";
  }
  return told;
}

const pathOf = (parent: string | undefined, key: string) => (parent ? `${parent}.${key}` : key);

/** The rows of a table: the key in the first cell, and what the last one says. */
function rowsOf(table: string): [key: string, text: string][] {
  const rows = table.split("\n").slice(2);
  return rows.map((row) => {
    const cells = row.split(/(?<!\\)\|/).slice(1, -1);
    const [, key = ""] = /`([\w-]+)`/.exec(cells[0] ?? "") ?? [];
    const meaning = plain(cells.at(-1) ?? "").replaceAll("\\|", "|");
    const [, value] = /^ (`.*) $/.exec(cells[1] ?? "") ?? [];
    return [key, value === undefined ? meaning : `${meaning}\n\nDefault: ${value}`];
  });
}

/** The points of a list that begin with a key. */
function pointsOf(list: string): [key: string, text: string][] {
  return [...list.matchAll(/^- `(\w+)[^`]*`(?:[^-]|-(?! `))*/gm)].map(([text, key = ""]) => [
    key,
    plain(text.slice(2)),
  ]);
}

function append(told: Map<string, string>, key: string, text: string): void {
  told.set(key, `${told.get(key) ?? ""}\n\n${text}`.trim());
}

/** Markdown as it reads without links and references to what is nearby. */
function plain(markdown: string): string {
  return markdown
    .replaceAll(/,? see \[below\]\([^)]*\)/g, "")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/; see below/g, "")
    .replaceAll("**", "")
    .replaceAll(/\s+/g, " ")
    .trim()
    .replace(/:$/, ".")
    .replace(/^[a-z]/, (letter) => letter.toUpperCase());
}
