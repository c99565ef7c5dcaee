const LEVELS = "▁▂▃▄▅▆▇█";

/** The numbers as a line of blocks, the highest of them a full one. */
export function sparkline(numbers: readonly number[]): string {
  const most = Math.max(1, ...numbers);
  return numbers.map((number) => LEVELS[Math.round((number / most) * (LEVELS.length - 1))]).join("");
}
