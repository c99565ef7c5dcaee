/** `0.8 s`, `12 s`, `3 min 5 s`, `2 h 10 min`: as exact as someone who waits wants to know. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

/**
 * The local time of an instant, `14:03:20`, on another day than that of `now` with its day: `2026-11-22 00:03:20`.
 * `now` has no default: a view that forgot to pass its own time on would be right on one day only.
 */
export function clock(instant: number | string, now: number): string {
  const at = new Date(instant);
  const time = at.toLocaleTimeString("en-GB", { hour12: false });
  return day(at) === day(new Date(now)) ? time : `${day(at)} ${time}`;
}

/** As ISO 8601 writes it. */
function day(at: Date): string {
  const [year, month, date] = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
  return [year, ...[month, date].map((part) => String(part).padStart(2, "0"))].join("-");
}

function pair(most: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${most} ${unit}` : `${most} ${unit} ${rest} ${restUnit}`;
}
