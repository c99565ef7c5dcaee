/** The key `servers` of a pool. */
import * as z from "zod/mini";
import { type Bindings, OWN_BINDINGS } from "./bindings.ts";
import { errorOption, flag, table, whole } from "./fields.ts";
import { MOST_SERVERS, SLOTS, WEIGHT } from "./limits.ts";
import { bindingName, origin, serverName } from "./names.ts";
import { inspect, type Problem } from "./problem.ts";
import { type RequestHeaders, requestHeaders } from "./request-headers.ts";
import { identityOf, withoutLastDot } from "./server-identity.ts";
import type { RegisterConfig, ServerConfig, WakeConfig } from "./types.ts";

const server = table({
  name: serverName(),
  url: origin(),
  binding: z.optional(bindingName()),
  headers: z.optional(requestHeaders()),
  slots: z.optional(whole(...SLOTS)),
  weight: z._default(whole(...WEIGHT), 1),
  backup: z._default(flag(), false),
  shared: z._default(flag(), false),
});

const LIST = errorOption(
  "is not a list of servers",
  `a list of 1 to ${MOST_SERVERS} tables like { name = "web-1", url = "https://web-1.example.com" }`,
);

export function servers() {
  return z.array(server, LIST).check(
    z.maxLength(MOST_SERVERS, LIST),
    distinct("name", ({ name }) => name, "another name"),
    // Slots are counted by entry, so that a server with two would get more requests than it has slots.
    distinct("url", ({ url, binding }) => (binding === undefined ? spelled(url) : undefined), ONE_ENTRY),
  );
}

/** A pool has servers, unless some may come by themselves. */
export function serversOrRegister() {
  return z.check<{ servers?: unknown; register?: unknown }>(
    ({ value, issues }) => {
      const { servers: list, register } = value;
      const isEmpty = list === undefined || (Array.isArray(list) && list.length === 0);
      const isReported = issues.some(({ path }) => path?.[0] === "servers" || path?.[0] === "register");
      if (!isEmpty || register !== undefined || isReported) return;
      const message = LIST.error({ input: list });
      issues.push({ code: "custom", input: list, path: ["servers"], message, continue: true });
    },
    { when: ({ value }) => typeof value === "object" && value !== null },
  );
}

function spelled(url: unknown): unknown {
  return typeof url === "string" ? withoutLastDot(url) : url;
}

/** `when`: also checks a list with other problems, so that one run reports all of them. */
function distinct(
  key: "name" | "url",
  readValue: (entry: Record<string, unknown>) => unknown,
  allowed: string,
) {
  return z.check<unknown[]>(
    ({ value: list, issues }) => {
      const first = new Map<unknown, number>();
      for (const [index, entry] of list.entries()) {
        const value = readValue((entry ?? {}) as Record<string, unknown>);
        if (typeof value !== "string") continue; // reported by its own schema
        const earlier = first.get(value);
        if (earlier === undefined) first.set(value, index);
        else {
          const message = alreadyThatOf(value, earlier, allowed);
          issues.push({ code: "custom", input: value, path: [index, key], message, continue: true });
        }
      }
    },
    { when: ({ value }) => Array.isArray(value) },
  );
}

const ONE_ENTRY = "one entry for each origin, with `slots` for more requests at once";

function alreadyThatOf(value: unknown, earlier: number, allowed: string): string {
  return `${inspect(value)} is that of servers[${earlier}] already; allowed: ${allowed}`;
}

/** What `parse` needs of a pool as the schema leaves it. */
interface Parsed {
  servers: readonly Omit<ServerConfig, "identity">[];
  headers: RequestHeaders;
  register: RegisterConfig | null;
  wake: WakeConfig | null;
}

/**
 * The servers with their identities, and what is wrong with their bindings and with the secrets of all headers; paths
 * begin at the pool.
 */
export function identified(
  { servers, headers: ofAll, register, wake }: Parsed,
  bindings: Bindings,
): { servers: ServerConfig[]; problems: Problem[] } {
  const first = new Map<string, number>();
  // Also where each server has a header of its own in place of the pool's: a retired one gets that.
  const problems = wrongSecrets(ofAll, ["headers"], bindings);
  if (wake) problems.push(...wrongSecrets(wake.headers, ["wake", "headers"], bindings));
  if (register) problems.push(...wrongRegister(register, bindings));
  const isOfAll = ([, value]: RequestHeaders[number]) => ofAll.some(([, one]) => one === value);
  const withIdentity = servers.map((server, index): ServerConfig => {
    const { binding, url, headers } = server;
    const kind = binding === null || OWN_BINDINGS.includes(binding) ? null : bindings.kindOf(binding);
    const path = ["servers", index];
    if (binding !== null && kind === null) {
      const text = `${inspect(binding)} is no binding of this Worker by which servers are reached; allowed: ${BINDING_ALLOWED}`;
      problems.push({ path: [...path, "binding"], text });
    }
    const own = headers.filter((header) => !isOfAll(header));
    problems.push(...wrongSecrets(own, [...path, "headers"], bindings));
    const identity = identityOf(server, kind === "namespace");
    const earlier = first.get(identity);
    if (earlier === undefined) first.set(identity, index);
    else if (binding !== null)
      problems.push({ path: [...path, "url"], text: alreadyThatOf(url, earlier, ONE_ENTRY) });
    return { ...server, identity };
  });
  return { servers: withIdentity, problems };
}

/** A namespace has an object for each server, named after it: none of them comes from elsewhere. */
function wrongRegister({ binding }: RegisterConfig, bindings: Bindings): Problem[] {
  if (binding === null || (bindings.kindOf(binding) === "fetcher" && !OWN_BINDINGS.includes(binding)))
    return [];
  const text = `${inspect(binding)} is no binding of this Worker by which servers are reached that register; allowed: that of a VPC service or network, a service, or an mTLS certificate`;
  return [{ path: ["register", "binding"], text }];
}

function wrongSecrets(headers: RequestHeaders, path: PropertyKey[], bindings: Bindings): Problem[] {
  return headers.flatMap(([name, value]) => {
    const text = typeof value === "string" ? null : wrongSecret(value.secret, bindings);
    return text === null ? [] : [{ path: [...path, name], text }];
  });
}

/** Not in the message: its value. */
function wrongSecret(name: string, bindings: Bindings): string | null {
  const state = bindings.secretOf(name);
  if (state === "there") return null;
  const verdict =
    state === "missing"
      ? `there is no secret ${inspect(name)}`
      : `the secret ${inspect(name)} is empty or has several lines, as no header may`;
  return `${verdict}; set it: wrangler secret put ${name}`;
}

const BINDING_ALLOWED =
  "that of a VPC service or network, a service, an mTLS certificate, or a namespace of Durable Objects or Containers";
