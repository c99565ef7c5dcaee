/** Host patterns as Sluice has them: exact, `*.example.com` or `*`. */

/** True if every host that the other one matches is matched by this one. */
export function covers(pattern: string, other: string): boolean {
  if (pattern === "*" || pattern === other) return true;
  return pattern.startsWith("*.") && other.endsWith(pattern.slice(1));
}

/** The pattern for what both match; `null`: nothing. */
export function bothHosts(one: string, other: string): string | null {
  if (covers(one, other)) return other;
  return covers(other, one) ? one : null;
}

/** The same for prefixes of paths. */
export function bothPrefixes(one: string, other: string): string | null {
  if (other.startsWith(one)) return other;
  return one.startsWith(other) ? one : null;
}
