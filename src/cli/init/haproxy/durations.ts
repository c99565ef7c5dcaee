import { durationText, LONGEST_MS } from "../../../config/units.ts";

const UNITS_MS: Record<string, number> = {
  us: 0.001,
  "": 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export interface Duration {
  /** As Sluice's configuration has it. */
  text: string;
  /** Why it is not quite what HAProxy had; `null`: it is. */
  change: string | null;
}

const LONGEST = durationText(LONGEST_MS);

/**
 * HAProxy's time: a whole number, of milliseconds or with a unit; `undefined`: it is none. 0 means without a limit.
 * `leastMs`: the shortest that Sluice's key may have.
 */
export function readDuration(given: string | undefined, leastMs = 0): Duration | undefined {
  const [, number, unit = ""] = /^(\d{1,15})(us|ms|s|m|h|d)?$/.exec(given ?? "") ?? [];
  if (number === undefined) return undefined;
  const ms = Math.ceil(Number(number) * (UNITS_MS[unit] as number));
  if (ms < leastMs) {
    const least = durationText(leastMs);
    return { text: least, change: `${given} is less than the shortest, ${least}` };
  }
  if (ms === 0) return { text: LONGEST, change: `0 is no limit; ${LONGEST} is the longest here` };
  if (ms > LONGEST_MS) return { text: LONGEST, change: `${given} is more than the longest, ${LONGEST}` };
  return { text: durationText(ms), change: null };
}
