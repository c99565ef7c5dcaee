/** The list `servers` of a pool. */
import * as z from "zod/mini";
import { flag, refusal, table, text, whole } from "./fields.ts";
import { serverName } from "./names.ts";
import { shown } from "./problem.ts";
import { parseUrl } from "./url.ts";

const MOST_SERVERS = 1000;

const server = table({
  name: serverName(),
  url: origin(),
  slots: z.optional(whole(1, 1000)),
  weight: z._default(whole(1, 256), 1),
  backup: z._default(flag(), false),
});

export function servers() {
  const words = refusal(
    "is not a list of servers",
    `a list of 1 to ${MOST_SERVERS} tables like { name = "web-1", url = "https://web-1.example.com" }`,
  );
  return z.array(server, words).check(
    z.minLength(1, words),
    z.maxLength(MOST_SERVERS, words),
    distinct("name", "another name"),
    // Two entries would be counted apart, and the server could get more requests than its slots.
    distinct("url", "one entry for each origin, with `slots` for more requests at once"),
  );
}

function origin() {
  return text(
    (given) => {
      // URL itself is lenient: it would take "https:a", a space at the end, or an empty "?".
      if (!/^https?:\/\/[^\s/\\?#@]+\/?$/i.test(given)) return undefined;
      return parseUrl(given)?.origin;
    },
    "is not an origin",
    '"http://" or "https://", a host and perhaps a port, without path, query, fragment, user or password',
  );
}

/** Also checks a list in which other things are wrong (`when`), so that all problems come at once. */
function distinct(key: "name" | "url", allowed: string) {
  return z.check<Partial<Record<string, unknown>>[]>(
    ({ value: list, issues }) => {
      const first = new Map<unknown, number>();
      for (const [index, entry] of list.entries()) {
        const value = entry?.[key];
        if (typeof value !== "string") continue; // has a problem of its own
        const earlier = first.get(value);
        if (earlier === undefined) first.set(value, index);
        else {
          const message = `${shown(value)} is that of servers[${earlier}] already; allowed: ${allowed}`;
          issues.push({ code: "custom", input: value, path: [index, key], message, continue: true });
        }
      }
    },
    { when: ({ value }) => Array.isArray(value) },
  );
}
