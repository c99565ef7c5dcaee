/** Durations and times of day, for people. Durations are in ms. */

/** `0.3 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 days`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : inUnits(Math.round(seconds));
}

/** The same with milliseconds below a second, `320 ms`. */
export function fineDuration(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : duration(ms);
}

/** The same in whole seconds, for a display that changes once a second: `0 s`, `1 min 30 s`. */
export function wholeSeconds(ms: number): string {
  return inUnits(Math.max(0, Math.floor(ms / 1_000)));
}

/** The same in a single unit, where there is little room: `4 s`, `2 min`, `5 h`, `3 days`. */
export function oneUnit(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return wholeSeconds(ms);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/** In a single unit and two digits at least, where several stand in a row: `204 ms`, `1.2 s`, `65 s`, `3.8 min`, `2.0 h`. */
export function compactDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const [value, unit] =
    ms < 99_500 ? [ms / 1_000, "s"] : ms < 5_970_000 ? [ms / 60_000, "min"] : [ms / 3_600_000, "h"];
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`;
}

/** An estimate, no more exact than it can be, and steady: `8 s`, `40 s`, `4 min 10 s`, `25 min`. */
export function roughly(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  const step = seconds < 10 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 10 : 60;
  return inUnits(Math.round(seconds / step) * step);
}

function inUnits(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? pair(hours, "h", minutes % 60, "min") : `${Math.floor(hours / 24)} days`;
}

function pair(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/**
 * The local time of an instant, `14:03:20`; on another day than that of `now` with its day: `2026-11-22 00:03:20`.
 * `now` has no default: a caller that forgot its own would be right on one day only.
 */
export function clock(instant: number | string, now: number): string {
  return timeOn(instant, now, (day, time) => `${isoDay(day)} ${time}`);
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The same with the day as `22 Nov, 00:03:20`. */
export function clockInWords(instant: number | string, now: number): string {
  return timeOn(instant, now, (day, time) => `${DAY.format(day)}, ${time}`);
}

function timeOn(
  instant: number | string,
  now: number,
  onAnotherDay: (day: Date, time: string) => string,
): string {
  const at = new Date(instant);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
  return isoDay(at) === isoDay(new Date(now)) ? time : onAnotherDay(at, time);
}

/** The local day, in ISO 8601. */
function isoDay(at: Date): string {
  return [at.getFullYear(), ...[at.getMonth() + 1, at.getDate()].map(twoDigits)].join("-");
}

function twoDigits(part: number): string {
  return String(part).padStart(2, "0");
}
