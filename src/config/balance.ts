/** The key `balance` of a pool: which of the servers with a free slot gets a request. */
import { oneOf, text } from "./fields.ts";
import type { HashedPart, PoolConfig } from "./types.ts";

const POLICIES = ["roundrobin", "leastconn", "first", "random"] as const;

/** Names of headers and cookies are tokens (RFC 9110, RFC 6265); a parameter's is as it is once it is decoded. */
const HASH = /^hash:(?:path|(?:header|cookie):[\w!#$%&'*+.^`|~-]{1,200}|query:[!-~]{1,200})$/;

const ALLOWED = [...POLICIES, "hash:header:x-session", "hash:cookie:sid", "hash:query:k", "hash:path"]
  .map((word) => `"${word}"`)
  .join(", ");

export function balance() {
  return text(read, verdict, ALLOWED, { anyOf: [oneOf(POLICIES), { pattern: HASH }] });
}

function read(given: string): PoolConfig["balance"] | undefined {
  if (!HASH.test(given)) return POLICIES.find((policy) => policy === given);
  const [, part = "", ...rest] = given.split(":");
  const name = rest.join(":");
  return { part: part as HashedPart["part"], name: part === "header" ? name.toLowerCase() : name };
}

function verdict(given: unknown): string {
  const isHash = typeof given === "string" && given.startsWith("hash:");
  return isHash ? "is nothing that can be hashed" : "is unknown";
}
