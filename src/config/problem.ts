/** What is wrong, and how its place and its value look in its text. */

const LONGEST_SHOWN = 80;

export interface Problem {
  /** From `POOLS` down to the key. */
  path: readonly PropertyKey[];
  /** The verdict and what is allowed. */
  text: string;
}

/** A problem as one line. */
export function written({ path, text }: Problem): string {
  return `${pathOf(path)}: ${text}`;
}

/** A value as it was given, short enough for a line in a log. */
export function shown(value: unknown): string {
  const text = withoutPasswords(asText(value));
  if (text.length <= LONGEST_SHOWN) return text;
  // toWellFormed: the cut may fall between the two halves of a character.
  return `${text.slice(0, LONGEST_SHOWN - 1).toWellFormed()}…`;
}

function asText(value: unknown): string {
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
