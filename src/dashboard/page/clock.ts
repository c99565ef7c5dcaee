/**
 * The servers' clock. A browser's own may be minutes wrong, and "busy for 12 s" is a difference between the two. The
 * `Date` of an answer is exact to the second, so a smaller difference is ignored.
 */
const TOLERANCE_MS = 3_000;

let offsetMs = 0;

/** In ms since the epoch. */
export function now(): number {
  return Date.now() + offsetMs;
}

export function setClockBy(response: Response): void {
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  const difference = date - Date.now();
  offsetMs = Math.abs(difference) > TOLERANCE_MS ? difference : 0;
}
