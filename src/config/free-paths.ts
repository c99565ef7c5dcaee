/** The key `free_paths` of a pool: requests that go to a server without a slot. */
import * as z from "zod/mini";
import { errorOption, text } from "./fields.ts";
import { MOST_FREE_PATHS } from "./limits.ts";

export interface FreePath {
  /** In upper case; `null`: any. */
  method: string | null;
  prefix: string;
}

const ALLOWED =
  'how a path begins, "/static/", or that of one method, "OPTIONS /"; without "..", "//", ";" and their like';
const ENTRY = /^(?:([A-Z]{1,32}) )?(\/[!-~]*)$/;
/** Any request of any method, in which case no server would have slots; CONNECT; what no free request has. */
const NEVER = /^\/$|^CONNECT |[?#;\\]|\/\/|\.\./;

export function freePaths() {
  const onError = errorOption(
    "is not a list of paths",
    `a list of at most ${MOST_FREE_PATHS}, each like "/healthz"`,
  );
  return z.array(freePath(), onError).check(z.maxLength(MOST_FREE_PATHS, onError));
}

function freePath() {
  return text(read, "is not a free path", ALLOWED, { pattern: ENTRY, not: NEVER });
}

function read(given: string): FreePath | undefined {
  const [, method = null, prefix] = ENTRY.exec(given) ?? [];
  if (prefix === undefined || NEVER.test(given) || !readsOneWay(prefix)) return undefined;
  return { method, prefix };
}

/** Encoded control characters, and `#`, `%`, `.`, `/`, `;`, `?`, `\`: some servers decode them before they route. */
const ENCODED = /%(?:[01][\da-f]|2[35ef]|3[bf]|5c|7f)/i;
/**
 * Once decoded. No symbol beyond ASCII: some servers take a full-width dot for a dot, a yen sign for a backslash (NFKC,
 * best fit).
 */
const PLAIN = /^\/[\w~!$&'()*+,:=@/. \p{L}\p{Nd}-]*$/u;
/** Empty segments, two dots anywhere, and segments of nothing but dots and blanks, which Windows drops. */
const RESOLVED = /\/\/|\.\.|\/[. ]+(?:\/|$)/;

/** True if every server reads this path as the same one: nothing in it is resolved, decoded to a separator, or cut. */
export function readsOneWay(path: string): boolean {
  if (ENCODED.test(path)) return false;
  let decoded = path;
  try {
    if (path.includes("%")) decoded = decodeURIComponent(path);
  } catch {
    return false; // not UTF-8, an overlong dot for example
  }
  return PLAIN.test(decoded) && !RESOLVED.test(decoded);
}
