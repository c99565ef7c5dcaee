import type uPlot from "uplot";

const HOURS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS_TOO = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

export interface Values {
  /** Possible distances between the lines of the value axis. */
  steps: number[];
  /** The words at these lines, in a single unit each. */
  label: (values: number[]) => string[];
  /** A value that is read. */
  say: (value: number) => string;
}

/** The looks of a chart. `range`: of the time axis, in seconds since the epoch. */
export function chartOptions(range: () => [number, number], { steps, label }: Values) {
  const axis = {
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    border: { show: true, stroke: () => colour("--edge"), width: 1 },
    ticks: { stroke: () => colour("--edge"), width: 1, size: rem(0.25) },
    font: `${rem(0.8)}px ${getComputedStyle(document.body).fontFamily}`,
    gap: rem(0.2),
  };
  const value = { stroke: () => colour("--accent"), fill: () => colour("--accent-soft"), width: 2 };
  return {
    // Half of a label of the time axis may stand beyond its end.
    padding: [rem(0.6), rem(2), 0, 0] as uPlot.Padding,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range },
      y: {
        range: (_: uPlot, __: number, most: number) =>
          [0, Math.max(4, (most ?? 0) * 1.1)] as [number, number],
      },
    },
    axes: [
      {
        ...axis,
        incrs: [15, 30, 60, 120, 300, 600],
        space: rem(5),
        size: rem(1.7),
        values: (_: uPlot, at: number[]) => at.map(timeWords),
      },
      {
        ...axis,
        incrs: steps,
        space: rem(1.8),
        size: rem(3.6),
        values: (_: uPlot, at: number[]) => label(at),
      },
    ],
    series: [{}, { ...value, points: { show: false } }],
  };
}

function timeWords(seconds: number): string {
  return (seconds % 60 === 0 ? HOURS : SECONDS_TOO).format(seconds * 1_000);
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** In px. */
export function rem(count: number): number {
  return count * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}
