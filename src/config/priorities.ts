/** The key `priorities` of a pool: whose requests go ahead, and by how much. */
import * as z from "zod/mini";
import { errorOption, table, text } from "./fields.ts";
import { MOST_PRIORITIES } from "./limits.ts";
import { pathPrefix, TOKEN } from "./names.ts";
import { shaped } from "./shape.ts";
import type { Priority } from "./types.ts";
import { DURATION, parseDuration } from "./units.ts";

const AHEAD_ALLOWED = 'a duration such as "30s" or "1m", with "-" in front to go behind, at most "24h"';
const AHEAD = new RegExp(DURATION.source.replace("^", "^-?"));

function ahead() {
  return text(
    (given) => {
      const isBehind = given.startsWith("-");
      const ms = parseDuration(isBehind ? given.slice(1) : given);
      // 0 - ms: "-0s" is 0, and not JavaScript's -0.
      return ms === undefined ? undefined : isBehind ? 0 - ms : ms;
    },
    "is not a duration",
    AHEAD_ALLOWED,
    { pattern: AHEAD },
  );
}

function token(what: string) {
  const pattern = new RegExp(`^${TOKEN}$`);
  return text(
    (given) => (pattern.test(given) ? given : undefined),
    `is not the name of a ${what}`,
    `the name of a ${what}`,
    { pattern },
  );
}

function method() {
  const pattern = /^[A-Z]{1,32}$/;
  return text(
    (given) => (pattern.test(given) ? given : undefined),
    "is not a method",
    '"GET", "POST" or any other in upper case',
    { pattern },
  );
}

/** Printable ASCII: how runtimes read other bytes of a header differs. Blanks around a value never arrive. */
const VALUE = /^[!-~](?:[ -~]{0,198}[!-~])?$/;
const VALUE_ALLOWED = "the whole value, 1 to 200 characters of ASCII, without blanks around it";

function headerValue() {
  return text(
    (given) => (VALUE.test(given) ? given : undefined),
    "is the value of no header or cookie",
    VALUE_ALLOWED,
    { pattern: VALUE },
  );
}

const CONDITIONS = ["header", "cookie", "path_prefix", "method"] as const;
const ENTRY_ALLOWED =
  '{ header = "x-plan", value = "gold", ahead = "1m" }, or with cookie and value, path_prefix, method';

const conditions = table({
  header: z.optional(token("header")),
  cookie: z.optional(token("cookie")),
  value: z.optional(headerValue()),
  path_prefix: z.optional(pathPrefix()),
  method: z.optional(method()),
  ahead: ahead(),
});

const entry = shaped(conditions.check(sayingOfWhich()), {
  anyOf: CONDITIONS.map((one) => ({ required: [one] })),
});

/** An entry says of which requests it is, once. */
function sayingOfWhich() {
  return z.check<z.output<typeof conditions>>(({ value: given, issues }) => {
    const wrong = (key: keyof typeof given, verdict: string, allowed: string) => {
      const { error } = errorOption(verdict, allowed);
      const message = error({ input: given[key] });
      issues.push({ code: "custom", input: given[key], path: [key], message, continue: true });
    };
    const { header, cookie, value } = given;
    if (header !== undefined && cookie !== undefined)
      wrong("cookie", "stands beside a header, and value could be that of either", "one of them");
    else if (value !== undefined && header === undefined && cookie === undefined)
      wrong("value", "is the value of nothing", "beside header or cookie");
    else if (value !== undefined && cookie !== undefined && /[;,]/.test(value))
      wrong("value", "is the value of no cookie", "a value without comma and semicolon, which end it");
    else if (CONDITIONS.every((one) => given[one] === undefined))
      wrong("header", "is missing", `one of ${CONDITIONS.join(", ")}, as in ${ENTRY_ALLOWED}`);
  });
}

const priority = z.pipe(
  entry,
  z.transform(
    (given): Priority => ({
      header: given.header?.toLowerCase() ?? null,
      cookie: given.cookie ?? null,
      value: given.value ?? null,
      pathPrefix: given.path_prefix ?? null,
      method: given.method ?? null,
      aheadMs: given.ahead,
    }),
  ),
);

export function priorities() {
  const onError = errorOption(
    "is not a list of priorities",
    `a list of at most ${MOST_PRIORITIES} tables like ${ENTRY_ALLOWED}`,
  );
  return z.array(priority, onError).check(z.maxLength(MOST_PRIORITIES, onError));
}
