/** A problem in the configuration, and the text of its path and its value. */

const LONGEST_VALUE = 80;

export interface Problem {
  /** From `POOLS` down to the key. */
  path: readonly PropertyKey[];
  /** `<value> <verdict>; allowed: <what is allowed>`. */
  text: string;
}

export function problemLine({ path, text }: Problem): string {
  return `${pathOf(path)}: ${text}`;
}

/** A value as JSON, without passwords and short enough for a log line. */
export function inspect(value: unknown): string {
  const text = withoutPasswords(asText(value));
  if (text.length <= LONGEST_VALUE) return text;
  // toWellFormed: the cut may fall between the two halves of a surrogate pair.
  return `${text.slice(0, LONGEST_VALUE - 1).toWellFormed()}…`;
}

function asText(value: unknown): string {
  try {
    // NaN and Infinity are not JSON; JSON.stringify would call them null.
    return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    return `(a value of type ${typeof value})`; // a bigint, a cycle, a nesting deeper than the stack
  }
}

/** Problems are logged, and a URL may contain a password. */
function withoutPasswords(text: string): string {
  return text.replace(/:\/\/[^/"]*@/g, "://…@");
}

/** A path in TOML's notation: `POOLS.web.servers[1].url`. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path.map((step, depth) => (typeof step === "number" ? `[${step}]` : dotted(step, depth))).join("");
}

function dotted(step: PropertyKey, depth: number): string {
  const key = String(step);
  const bare = /^[A-Za-z0-9_-]{1,80}$/.test(key) ? key : inspect(key);
  return depth === 0 ? bare : `.${bare}`;
}
