/**
 * The servers' time: a browser's clock may be minutes wrong, and "busy for 12 s" is a difference between the
 * two. Answers say the time to the second; less than that is left alone.
 */
const TOLERATED_MS = 3_000;

let offsetMs = 0;

/** In ms since the epoch. */
export function now() {
  return Date.now() + offsetMs;
}

/** @param {Response} response */
export function setClockBy(response) {
  const said = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(said)) return;
  const difference = said - Date.now();
  offsetMs = Math.abs(difference) > TOLERATED_MS ? difference : 0;
}
