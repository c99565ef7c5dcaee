import { InvalidArgumentError } from "@commander-js/extra-typings";
import { DURATION_ALLOWED, parseDuration } from "../config/units.ts";

/** Parses `--wait 30s` and the like to milliseconds. */
export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`Allowed is ${DURATION_ALLOWED}.`);
  return ms;
}

/** A whole number from `min` to `max`. */
export function wholeOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new InvalidArgumentError(`Allowed is a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}
