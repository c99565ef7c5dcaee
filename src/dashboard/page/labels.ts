const UNITS = [
  ["h", 3_600],
  ["min", 60],
] as const;

/** Durations in one unit for all, which leaves no rest: `30 s`, `60 s`, `90 s`; there is little room beside a chart. */
export function durationLabels(seconds: readonly number[]): string[] {
  const [unit, length] = UNITS.find(([, length]) => seconds.every((at) => at % length === 0)) ?? ["s", 1];
  return seconds.map((at) => `${at / length} ${unit}`);
}
