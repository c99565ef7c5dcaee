/** A comment that has its lines to itself. */
const COMMENT = /^[ \t]*(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/|\/\/.*)[ \t]*$/gm;
const INDENTATION = /^\s+/gm;

/**
 * A script without what only its developers need: a third of the bytes over the wire. Texts that go over several
 * lines would suffer; the page has none, and a test holds that each script still means the same.
 */
export function slim(script: string): string {
  return script.replace(COMMENT, "").replace(INDENTATION, "");
}
