/** The key `balance` of a pool: which of the servers with a free slot gets a request. */
import { text } from "./fields.ts";
import type { HashedPart, PoolConfig } from "./types.ts";

const POLICIES = ["roundrobin", "leastconn", "first", "random"] as const;

/** Names as HTTP has them for headers and cookies. That of a query's parameter is decoded. */
const FORM =
  /^(?:roundrobin|leastconn|first|random|hash:path|hash:(?:header|cookie):[\w!#$%&'*+.^`|~-]{1,200}|hash:query:[!-~]{1,200})$/;

const ALLOWED = [...POLICIES, "hash:header:x-session", "hash:cookie:sid", "hash:query:k", "hash:path"]
  .map((word) => `"${word}"`)
  .join(", ");

export function balance() {
  return text<PoolConfig["balance"]>(
    (given) => (FORM.test(given) ? read(given) : undefined),
    (given) => (String(given).startsWith("hash:") ? "is nothing that can be hashed" : "is unknown"),
    ALLOWED,
    { pattern: FORM },
  );
}

function read(given: string): PoolConfig["balance"] {
  const policy = POLICIES.find((one) => one === given);
  if (policy) return policy;
  const [, part = "", ...name] = given.split(":");
  const whole = name.join(":");
  return { part: part as HashedPart["part"], name: part === "header" ? whole.toLowerCase() : whole };
}
