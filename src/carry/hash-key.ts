import type { HashedPart, PoolConfig } from "../config/types.ts";
import { hashOf } from "../scheduler/terms/hash.ts";
import type { RequestTarget } from "./target.ts";

/**
 * Returns the key by which the pool's `balance` sends requests to the same server; `null`: it does not, or the request
 * does not have what is hashed, or has it empty. It is a hash, so that neither pool, ledger nor log has the value.
 */
export function hashKeyOf(
  { balance }: Pick<PoolConfig, "balance">,
  headers: Headers,
  target: Pick<RequestTarget, "path" | "pathAndQuery">,
): number | null {
  if (typeof balance === "string") return null;
  const value = hashed(balance, headers, target);
  return value ? hashOf(value) : null;
}

function hashed(
  { part, name }: HashedPart,
  headers: Headers,
  { path, pathAndQuery }: Pick<RequestTarget, "path" | "pathAndQuery">,
): string | null {
  if (part === "path") return path;
  if (part === "header") return headers.get(name);
  if (part === "cookie") return cookieOf(headers.get("cookie") ?? "", name);
  const [, ...query] = pathAndQuery.split("?");
  return new URLSearchParams(query.join("?")).get(name);
}

/** The runtime joins several `Cookie` lines by a comma (workerd 2026-11-17), which no cookie's value has (RFC 6265). */
function cookieOf(cookies: string, name: string): string | null {
  for (const cookie of cookies.split(/[;,]/)) {
    const equals = cookie.indexOf("=");
    if (cookie.slice(0, Math.max(0, equals)).trim() === name) return cookie.slice(equals + 1).trim();
  }
  return null;
}
