import type { HashedPart } from "../config/types.ts";
import type { RequestTarget } from "./target.ts";

/** What the request has there; `null`: nothing. */
export function partOf(
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
export function cookieOf(cookies: string, name: string): string | null {
  for (const cookie of cookies.split(/[;,]/)) {
    const equals = cookie.indexOf("=");
    if (cookie.slice(0, Math.max(0, equals)).trim() === name) return cookie.slice(equals + 1).trim();
  }
  return null;
}
