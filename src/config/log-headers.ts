/** The key `log_headers` of a pool: headers whose values stand in the log. */
import * as z from "zod/mini";
import { errorOption, text } from "./fields.ts";
import { MOST_LOG_HEADERS } from "./limits.ts";
import { inspect, type Problem } from "./problem.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** Names in lower case. */
export interface LogHeaders {
  request: readonly string[];
  response: readonly string[];
}

interface LogHeader {
  of: keyof LogHeaders;
  name: string;
}

const ALLOWED = '"user-agent", or "response:x-model" for one of the answer';
const ENTRY = /^(response:)?([\w!#$%&'*+.^`|~-]{1,200})$/;
/** What somebody could act with as the client. */
const CREDENTIALS =
  /^(?:response:)?(?:authorization|proxy-authorization|cookie|set-cookie|cf-access-(?:jwt-assertion|token|client-secret))$/i;

export function logHeaders() {
  const onError = errorOption(
    "is not a list of headers",
    `a list of at most ${MOST_LOG_HEADERS}, each ${ALLOWED}`,
  );
  return z.pipe(
    z.array(logHeader(), onError).check(z.maxLength(MOST_LOG_HEADERS, onError)),
    z.transform((given): LogHeaders => {
      const namesOf = (side: keyof LogHeaders) => [
        ...new Set(given.flatMap(({ of, name }) => (of === side ? name : []))),
      ];
      return { request: namesOf("request"), response: namesOf("response") };
    }),
  );
}

function logHeader() {
  return text(
    (given): LogHeader | undefined => {
      const [, ofResponse, name] = ENTRY.exec(given) ?? [];
      if (name === undefined || CREDENTIALS.test(given)) return undefined;
      return { of: ofResponse === undefined ? "request" : "response", name: name.toLowerCase() };
    },
    (given) =>
      typeof given === "string" && CREDENTIALS.test(given)
        ? "has credentials, which do not belong into a log"
        : "is not a header's name",
    ALLOWED,
    { pattern: ENTRY, not: CREDENTIALS },
  );
}

/** What is logged and yet a secret of `headers`, those of the pool and its servers; paths begin at the pool. */
export function secretsInLog({ request, response }: LogHeaders, headers: RequestHeaders): Problem[] {
  const logged = new Set([...request, ...response]);
  const secret = new Set(headers.flatMap(([name, value]) => (typeof value === "string" ? [] : name)));
  return [...secret]
    .filter((name) => logged.has(name))
    .map((name) => ({
      path: ["log_headers"],
      text: `${inspect(name)} is filled from a secret by \`headers\`, and does not belong into a log; allowed: ${ALLOWED}`,
    }));
}
