/** Durations and sizes as text, in the configuration and in the bodies of the admin API. */

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const SIZE_UNITS = { B: 1, KiB: 1_024, MiB: 1_048_576 };
/** A number and one of these units. */
export const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
export const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB)$/;
export const LONGEST_MS = 24 * DURATION_UNITS.h;

export const durationAllowed = (most: string) =>
  `a number and a unit, "250ms", "2s", "10m", "1h", at most "${most}"`;
export const DURATION_ALLOWED = durationAllowed("24h");
export const SIZE_ALLOWED = 'a number and a unit, "512B", "64KiB", "1MiB"';

/** Milliseconds, or undefined if the text is not a duration of at most `mostMs`. */
export function parseDuration(text: string, mostMs = LONGEST_MS): number | undefined {
  const ms = parseQuantity(text, DURATION, DURATION_UNITS);
  return ms !== undefined && ms <= mostMs ? ms : undefined;
}

/** Bytes, or undefined if the text is not a size. */
export function parseSize(text: string): number | undefined {
  const bytes = parseQuantity(text, SIZE, SIZE_UNITS);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest text of a duration with a whole number: `90s`, `10m`. */
export function durationText(ms: number): string {
  const units = Object.entries(DURATION_UNITS).reverse();
  const [unit, size] = units.find(([, size]) => ms > 0 && ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

function parseQuantity(text: string, form: RegExp, units: Record<string, number>): number | undefined {
  const [, number, unit = ""] = form.exec(text) ?? [];
  if (number === undefined) return undefined;
  // 1.1 * 3_600_000 is no whole number in floating point; timers and byte counts need one.
  return Math.round(Number(number) * (units[unit] as number));
}
