/** The secrets of `wrangler dev`, in a file beside wrangler's. */
export const DEV_VARS = ".dev.vars";

/**
 * An entry of .dev.vars, as wrangler's own parser (dotenv) takes it: `NAME=value` or `NAME: value`. In quotes a value may
 * have several lines. Quotes with more than a comment behind them are part of the value.
 */
const ENTRY =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:[ \t])[ \t]*(?:(?:"((?:\\"|[^"])*)"|'((?:\\'|[^'])*)'|`((?:\\`|[^`])*)`)(?=[ \t]*(?:#.*)?$)|([^#\n]*))/gm;

/** The secrets in `text`, by their names. */
export function readDevVars(text: string): Record<string, string> {
  const secrets: Record<string, string> = {};
  const lines = text.replaceAll(/\r\n?/g, "\n");
  for (const [, name = "", double, single, back, bare = ""] of lines.matchAll(ENTRY)) {
    const unescaped = double?.replaceAll("\\n", "\n").replaceAll("\\r", "\r");
    secrets[name] = unescaped ?? single ?? back ?? bare.trim();
  }
  return secrets;
}
