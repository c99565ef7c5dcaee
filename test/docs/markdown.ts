/** What tests need to know of a document in Markdown, as GitHub shows it. */

export interface Fence {
  language: string;
  text: string;
  /** Of its first line, from 1. */
  line: number;
  /** The HTML comment right above it, if there is one. */
  comment: string | null;
}

const FENCE = /^( *)```(\w*)\n(.*?)^\1```$/gms;
const COMMENT_ABOVE = /<!-- ([^>]*?) -->\n *$/;

export function fencesOf(markdown: string): Fence[] {
  return [...markdown.matchAll(FENCE)].map(({ index, 1: indent = "", 2: language = "", 3: text = "" }) => {
    const above = markdown.slice(0, index);
    return {
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      line: above.split("\n").length,
      comment: COMMENT_ABOVE.exec(above)?.[1] ?? null,
    };
  });
}

/** The commands of a shell block, without comments and assignments. */
export function commandsOf(shell: string): string[] {
  const lines = shell.replaceAll(/\\\n\s*/g, "").split("\n");
  return lines.map((line) => line.replace(/(^|\s)#.*/, "").trim()).filter((line) => !isAssignment(line));
}

function isAssignment(line: string): boolean {
  return /^(export )?(\w+=\S* ?)*$/.test(line);
}

export interface Link {
  target: string;
  line: number;
}

/** Where links, images and references lead to. */
export function linksOf(markdown: string): Link[] {
  const text = withoutCode(markdown);
  const patterns = [/\]\(([^)\s]+)[^)]*\)/g, /^\[[^\]]+\]: (\S+)/gm, /\b(?:src|srcset|href)="([^"]+)"/g];
  return patterns
    .flatMap((pattern) => [...text.matchAll(pattern)])
    .map(({ index, 1: target = "" }) => ({ target, line: text.slice(0, index).split("\n").length }))
    .sort((a, b) => a.line - b.line);
}

/** Within the repository; not to another place. */
export function isRelative({ target }: Link): boolean {
  return !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target);
}

/** The anchors of its headings, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headingsOf(markdown)) {
    const base = anchorOf(heading);
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function headingsOf(markdown: string): string[] {
  // Blanked out and not left out: code in a heading counts.
  const text = markdown.replaceAll(FENCE, "");
  return [...text.matchAll(/^#{1,6} (.+?)(?: #+)?$/gm)].map(([, heading = ""]) => heading);
}

function anchorOf(heading: string): string {
  const text = heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

/** The rows of the first table below a heading, without its head. */
export function tableBelow(markdown: string, heading: string): string[][] {
  const start = markdown.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`There is no heading "${heading}".`);
  const [, table = ""] = /\n((?:\|.*\n)+)/.exec(markdown.slice(start)) ?? [];
  return rowsOf(table);
}

function rowsOf(table: string): string[][] {
  const lines = table.trim().split("\n").slice(2);
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The code in a piece of text, without its marks. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replaceAll("\\|", "|"));
}

/** Its sentences, one for each cell of a table and for each point of a list at least. Code counts as one word. */
export function sentencesOf(markdown: string): string[] {
  const text = markdown
    .replaceAll(FENCE, "\n")
    .replaceAll(/<!--.*?-->|<[^>]+>/gs, "")
    .replaceAll(/`[^`]+`/g, "Code")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1");
  const blocks = text.split(/\n\s*\n|^(?=\s*(?:[-*]|\d+\.) )|(?<!\\)\||^#+ .*$/m);
  return blocks
    .flatMap((block) => block.replaceAll(/\s+/g, " ").split(/(?<=[.!?])[)*"]* (?=\W*[A-Z“"(*])/))
    .map((sentence) => sentence.trim())
    .filter((sentence) => /\w/.test(sentence));
}

export function wordsOf(sentence: string): string[] {
  return sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

/** The same length, so that places stay where they are. */
function withoutCode(markdown: string): string {
  const blank = (text: string) => text.replaceAll(/[^\n]/g, " ");
  return markdown.replaceAll(FENCE, blank).replaceAll(/`[^`\n]+`/g, blank);
}
