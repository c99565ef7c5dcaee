/** The key `check` of a pool. */
import * as z from "zod/mini";
import { duration, errorOption, flag, oneOf, table, text, whole } from "./fields.ts";
import { HOST, readHost } from "./hosts.ts";
import { ROW, SHORTEST_INTERVAL } from "./limits.ts";
import { requestPath } from "./names.ts";
import type { CheckConfig } from "./types.ts";

const STATUSES = /^[2-5](?:xx|\d\d)(?:\s*,\s*[2-5](?:xx|\d\d))*$/;
/** Neither kind of line end: nobody would look for one. */
const EXPECTED = /^[^\r\n]{1,200}$/;
/** The name of a header, and perhaps its value. */
const EXPECTED_HEADER =
  /^([\w!#$%&'*+.^`|~-]{1,100})(?::[ \t]*([\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?)[ \t]*)?$/;

const keys = table({
  path: requestPath(),
  // Of a method with a body, servers may expect one; and a check must change nothing.
  method: z._default(oneOf(["GET", "HEAD", "OPTIONS"]), "GET"),
  port: z.optional(whole(1, 65_535)),
  host: z.optional(
    text(readHost, "is not a host", "a host name, without scheme, port or path", { pattern: HOST }),
  ),
  interval: z.prefault(duration(SHORTEST_INTERVAL), "2s"),
  timeout: z.prefault(duration("1ms"), "1s"),
  rise: z._default(whole(...ROW), 2),
  fall: z._default(whole(...ROW), 3),
  status: z.prefault(
    text(readStatus, "is not a status", '"2xx", "200" or a list, "2xx,404"', { pattern: STATUSES }),
    "2xx",
  ),
  expect: z.optional(
    text(
      (given) => (EXPECTED.test(given) ? given : undefined),
      "is not a text to look for",
      "1 to 200 characters in one line",
      { pattern: EXPECTED },
    ),
  ),
  expect_header: z.optional(
    text(readHeader, "is not a header", '"x-role", or with its value "x-role: primary"', {
      pattern: EXPECTED_HEADER,
    }),
  ),
  slot: z._default(flag(), true),
});

export const check = z.pipe(keys.check(bodyToLookIn()), z.transform(toCheck));

function bodyToLookIn() {
  const { error } = errorOption("is looked for in a body, and the answer to HEAD has none", 'method = "GET"');
  return z.check<z.output<typeof keys>>(({ value: { method, expect }, issues }) => {
    if (method !== "HEAD" || expect === undefined) return;
    const message = error({ input: expect });
    issues.push({ code: "custom", input: expect, path: ["expect"], message, continue: true });
  });
}

function toCheck(given: z.output<typeof keys>): CheckConfig {
  const { interval, timeout, port, host, expect, expect_header: header, ...same } = given;
  return {
    ...same,
    port: port ?? null,
    host: host ?? null,
    intervalMs: interval,
    timeoutMs: timeout,
    expect: expect ?? null,
    expectHeader: header ?? null,
  };
}

function readStatus(given: string): string | undefined {
  return STATUSES.test(given) ? given.replace(/\s*,\s*/g, ",") : undefined;
}

function readHeader(given: string): CheckConfig["expectHeader"] | undefined {
  const [, name, value] = EXPECTED_HEADER.exec(given) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), value: value ?? null };
}
