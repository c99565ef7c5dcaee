import { durationText, LONGEST_MS } from "../../../config/units.ts";
import type { Remarks } from "./remarks.ts";
import type { Line } from "./sections.ts";

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
  ms: number;
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
    return { ms: leastMs, text: least, change: `${given} is less than the shortest, ${least}` };
  }
  if (ms === 0)
    return { ms: LONGEST_MS, text: LONGEST, change: `0 is no limit; ${LONGEST} is the longest here` };
  if (ms > LONGEST_MS)
    return { ms: LONGEST_MS, text: LONGEST, change: `${given} is more than the longest, ${LONGEST}` };
  return { ms, text: durationText(ms), change: null };
}

/** The line's time, as Sluice's key has it; `undefined`: it is none. */
export function readTime(line: Line, key: string, remarks: Remarks): string | undefined {
  const given = line.words[line.words[0] === "timeout" ? 2 : 1];
  const duration = readDuration(given);
  if (duration === undefined) {
    remarks.add(line, "lost", `${JSON.stringify(given ?? "")} is no time`);
    return undefined;
  }
  const written = `${key} = ${JSON.stringify(duration.text)}`;
  if (duration.change === null) remarks.add(line, "became", written);
  else remarks.add(line, "changed", `${written}: ${duration.change}`);
  return duration.text;
}
