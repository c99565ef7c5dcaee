/** As the configuration writes durations: "90s", "10m". */
export function written(ms: number): string {
  const [unit, size] = (
    [
      ["h", 3_600_000],
      ["m", 60_000],
      ["s", 1_000],
    ] as const
  ).find(([, size]) => ms > 0 && ms % size === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
