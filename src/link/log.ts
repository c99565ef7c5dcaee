/**
 * One JSON line for the operator, on the console. A client is never shown any of it. `about`: what it concerns; no
 * header, query, body or secret.
 */
export function logError(error: unknown, about: Record<string, unknown>): void {
  console.error(JSON.stringify({ ...about, error: String(error) }));
}
