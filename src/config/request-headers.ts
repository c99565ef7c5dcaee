/** The key `headers` of a pool or a server: what requests, checks and probes carry to servers besides the client's. */
import * as z from "zod/mini";
import { errorOption, table, tableOr, text } from "./fields.ts";
import { bindingName } from "./names.ts";
import { inspect } from "./problem.ts";
import { shaped } from "./shape.ts";

/** A value, or the Worker's secret that holds it. */
export type HeaderValue = string | { secret: string };

/** Names in lower case. */
export type RequestHeaders = readonly (readonly [name: string, value: HeaderValue])[];

/** Names that HTTP, the runtime or Sluice itself sets, or that name where the request goes. */
const OWN =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-length|content-encoding|x-request-id|x-sluice-.*|x-forwarded-(?:for|proto|host)|forwarded|cf-.*|sec-websocket-.*|proxy-.*)$/i;
const NAME = /^[\w!#$%&'*+.^`|~-]{1,200}$/;
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?$/;
const VALUE_ALLOWED = '1 to 1000 printable ASCII characters, or { secret = "NAME" }';

const value = tableOr(
  table({ secret: bindingName() }),
  text((given) => (VALUE.test(given) ? given : undefined), "is not a header's value", VALUE_ALLOWED, {
    pattern: VALUE,
  }),
);

export function requestHeaders() {
  const onError = errorOption("is not a table of headers", `a table of names, each with ${VALUE_ALLOWED}`);
  const schema = z.pipe(
    z.record(z.string(), value, onError).check(names()),
    // A name is the same in any case.
    z.transform(
      (given): RequestHeaders => Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]),
    ),
  );
  return shaped(schema, { keys: { pattern: NAME, not: OWN } });
}

function names() {
  return z.check<Record<string, unknown>>(
    ({ value: given, issues }) => {
      const first = new Map<string, string>();
      for (const name of Object.keys(given)) {
        const verdict = wrongName(name, first.get(name.toLowerCase()));
        first.set(name.toLowerCase(), name);
        if (verdict === null) continue;
        const message = `${inspect(name)} ${verdict}; allowed: a name of another header, such as "X-Gate-Key"`;
        issues.push({ code: "custom", input: given, path: [name], message, continue: true });
      }
    },
    { when: ({ value }) => typeof value === "object" && value !== null && !Array.isArray(value) },
  );
}

/** `same`: how an earlier header has the name. */
function wrongName(name: string, same: string | undefined): string | null {
  if (OWN.test(name)) return "is set by Sluice or the platform";
  if (!NAME.test(name)) return "is not a header's name";
  return same === undefined ? null : `is there as ${inspect(same)} already`;
}
