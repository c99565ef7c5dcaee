/** How a place and a value look in a problem's text. */

const LONGEST_SHOWN = 80;

/** A value as it was given, short enough for a line in a log. */
export function shown(value: unknown): string {
  const text = withoutPasswords(written(value));
  if (text.length <= LONGEST_SHOWN) return text;
  // toWellFormed: the cut may fall between the two halves of a character.
  return `${text.slice(0, LONGEST_SHOWN - 1).toWellFormed()}…`;
}

function written(value: unknown): string {
  try {
    // NaN and Infinity are not JSON; JSON.stringify would call them null.
    return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return `(a value of type ${typeof value})`; // a bigint, a cycle, a nesting deeper than the stack
  }
}

/** Problems go to the log, and a URL may carry a password. */
function withoutPasswords(text: string): string {
  return text.replace(/:\/\/[^/"]*@/g, "://…@");
}

/** A place as TOML's users write it: `POOLS.web.servers[1].url`. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path.map((step, depth) => (typeof step === "number" ? `[${step}]` : dotted(step, depth))).join("");
}

function dotted(step: PropertyKey, depth: number): string {
  const key = String(step);
  const bare = /^[A-Za-z0-9_-]{1,80}$/.test(key) ? key : shown(key);
  return depth === 0 ? bare : `.${bare}`;
}
