/** The key `servers` of a pool. */
import * as z from "zod/mini";
import { errorOption, flag, table, whole } from "./fields.ts";
import { origin, serverName } from "./names.ts";
import { inspect } from "./problem.ts";

const MOST_SERVERS = 1000;

const server = table({
  name: serverName(),
  url: origin(),
  slots: z.optional(whole(1, 1000)),
  weight: z._default(whole(1, 256), 1),
  backup: z._default(flag(), false),
});

export function servers() {
  const onError = errorOption(
    "is not a list of servers",
    `a list of 1 to ${MOST_SERVERS} tables like { name = "web-1", url = "https://web-1.example.com" }`,
  );
  return z.array(server, onError).check(
    z.minLength(1, onError),
    z.maxLength(MOST_SERVERS, onError),
    distinct("name", "another name"),
    // Slots are counted by entry, so that a server with two would get more requests than it has slots.
    distinct("url", "one entry for each origin, with `slots` for more requests at once"),
  );
}

/** `when`: also checks a list with other problems, so that one run reports all of them. */
function distinct(key: "name" | "url", allowed: string) {
  return z.check<Partial<Record<string, unknown>>[]>(
    ({ value: list, issues }) => {
      const first = new Map<unknown, number>();
      for (const [index, entry] of list.entries()) {
        const value = entry?.[key];
        if (typeof value !== "string") continue; // reported by its own schema
        const earlier = first.get(value);
        if (earlier === undefined) first.set(value, index);
        else {
          const message = `${inspect(value)} is that of servers[${earlier}] already; allowed: ${allowed}`;
          issues.push({ code: "custom", input: value, path: [index, key], message, continue: true });
        }
      }
    },
    { when: ({ value }) => Array.isArray(value) },
  );
}
