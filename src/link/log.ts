/**
 * Writes one JSON line to the console, for the operator only: clients never see it. `about`: the pool, server, leases
 * or request concerned; never a header, query, body or secret.
 */
export function logError(error: unknown, about: Record<string, unknown>): void {
  console.error(JSON.stringify({ ...about, error: String(error) }));
}
