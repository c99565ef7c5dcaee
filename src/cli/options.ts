import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { DURATION_ALLOWED, parseDuration } from "../config/units.ts";

/** `--wait 30s` and the like, in milliseconds. */
export function durationOption<Flags extends string>(flags: Flags, description: string, least = "0s") {
  return new Option(flags, description).argParser((text: string) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < (parseDuration(least) ?? 0)) {
      throw new InvalidArgumentError(`Allowed is ${DURATION_ALLOWED}, at least "${least}".`);
    }
    return ms;
  });
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
