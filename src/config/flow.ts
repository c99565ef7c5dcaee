/** The keys `flow` and `priorities` of a pool: who shares the servers' time, and whose requests go ahead. */
import * as z from "zod/mini";
import { duration, errorOption, table, text } from "./fields.ts";
import { MOST_PRIORITIES } from "./limits.ts";
import { pathPrefix } from "./names.ts";
import { shaped } from "./shape.ts";
import type { FlowPart, Priority } from "./types.ts";
import { DURATION, parseDuration } from "./units.ts";

const NAME = "[\\w!#$%&'*+.^`|~-]{1,200}";
/** Names of headers and cookies are tokens (RFC 9110, RFC 6265); a parameter's is as it is once it is decoded. */
const FLOW = new RegExp(`^(?:address|(?:header|cookie):${NAME}|query:[!-~]{1,200})$`);
const FLOW_ALLOWED = '"address", "header:x-api-key", "cookie:session", "query:key"';

export function flow() {
  return text(readFlow, "is nothing that tells clients apart", FLOW_ALLOWED, { pattern: FLOW });
}

function readFlow(given: string): FlowPart | undefined {
  if (!FLOW.test(given)) return undefined;
  const [part = "", ...rest] = given.split(":");
  const name = rest.join(":");
  return { part: part as FlowPart["part"], name: part === "header" ? name.toLowerCase() : name };
}

const AHEAD_ALLOWED = 'a duration such as "30s" or "1m", with "-" in front to go behind, at most "24h"';
const AHEAD = new RegExp(DURATION.source.replace("^", "^-?"));

function ahead() {
  return text(
    (given) => {
      const isBehind = given.startsWith("-");
      const ms = parseDuration(isBehind ? given.slice(1) : given);
      return ms === undefined ? undefined : isBehind ? -ms : ms;
    },
    "is not a duration",
    AHEAD_ALLOWED,
    { pattern: AHEAD },
  );
}

function token(what: string) {
  const pattern = new RegExp(`^${NAME}$`);
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

const CONDITIONS = ["header", "cookie", "path_prefix", "method"] as const;
const ENTRY_ALLOWED =
  '{ header = "x-plan", value = "gold", ahead = "1m" }, or with cookie and value, path_prefix, method';

const entry = shaped(
  table({
    header: z.optional(token("header")),
    cookie: z.optional(token("cookie")),
    value: z.optional(z.string(errorOption("is not a text", "the whole value, as a text"))),
    path_prefix: z.optional(pathPrefix()),
    method: z.optional(method()),
    ahead: ahead(),
  }).check(
    z.refine((given) => CONDITIONS.some((one) => given[one] !== undefined), {
      error: `says of no request that it has priority; allowed: a table like ${ENTRY_ALLOWED}`,
    }),
    z.refine((given) => given.header === undefined || given.cookie === undefined, {
      error: `has both header and cookie; allowed: a table like ${ENTRY_ALLOWED}`,
    }),
    z.refine((given) => given.value === undefined || (given.header ?? given.cookie) !== undefined, {
      error: `has the value of neither header nor cookie; allowed: a table like ${ENTRY_ALLOWED}`,
    }),
  ),
  { anyOf: CONDITIONS.map((one) => ({ required: [one] })) },
);

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

export const waitingPage = () => duration("1s");
