/** A line of .dev.vars, as wrangler's own parser (dotenv) takes it: `NAME=value`, the value perhaps in quotes. */
const LINE = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^#\r\n]*))/gm;

/** The secrets of `text`, the content of .dev.vars. */
export function readDevVars(text: string): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const [, name = "", double, single, bare = ""] of text.matchAll(LINE)) {
    secrets[name] = double?.replaceAll("\\n", "\n") ?? single ?? bare.trim();
  }
  return secrets;
}
