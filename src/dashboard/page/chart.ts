import type uPlot from "uplot";
import { clockInWords } from "../../words/times.ts";
import { now } from "./clock.ts";
import { byId, setAttributes } from "./dom.ts";
import { Reading } from "./reading.ts";

const HEIGHT_REM = 9;

/** From assets/uplot.js. */
const UPlot = (globalThis as unknown as { uPlot: typeof uPlot }).uPlot;

const HOURS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS_TOO = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

export interface Values {
  /** Possible distances between the lines of the value axis. */
  steps: number[];
  /** A value at its line. */
  sayShort: (value: number) => string;
  /** A value that is read. */
  say: (value: number) => string;
}

/** A curve over time, of which a value can be read. Times are in seconds since the epoch. */
export class Chart {
  /** What can be pointed to, or has the focus. */
  readonly box: HTMLElement;
  readonly #plot: uPlot;
  readonly #say: Values["say"];
  readonly #reading: Reading;
  #readAt: number | null = null;

  /** `range`: of the time axis. */
  constructor(id: string, range: () => [number, number], values: Values) {
    this.box = byId(id);
    this.#say = values.say;
    const size = () => ({ width: this.box.clientWidth, height: rem(HEIGHT_REM) });
    const hooks = { draw: [() => this.#drawReading()] };
    this.#plot = new UPlot({ ...options(range, values), ...size(), hooks }, [[], []], this.box);
    this.#reading = new Reading(this.#plot.over);
    new ResizeObserver(() => {
      // A hidden chart has no width; it is drawn when it becomes visible.
      if (this.box.clientWidth > 0) this.#plot.setSize(size());
    }).observe(this.box);
  }

  draw(times: number[], values: (number | null)[]): void {
    this.#plot.setData([times, values]);
  }

  redraw(): void {
    this.#plot.redraw();
  }

  /** The time at this place of the window. */
  timeAt(clientX: number): number {
    return this.#plot.posToVal(clientX - this.#plot.over.getBoundingClientRect().left, "x");
  }

  /** Shows the value at the known time that is next to this one; `null`: none. */
  read(time: number | null): void {
    this.#readAt = time;
    this.#drawReading();
  }

  #drawReading(): void {
    const [times, values = []] = this.#plot.data;
    if (this.#readAt === null || times.length === 0) {
      this.#reading.hide();
      return;
    }
    const index = this.#plot.valToIdx(this.#readAt);
    const time = times[index] as number;
    const value = values[index] ?? null;
    const words = `${clockInWords(time * 1_000, now())}: ${value === null ? "unknown" : this.#say(value)}`;
    const y = value === null ? null : this.#plot.valToPos(value, "y");
    this.#reading.show(this.#plot.valToPos(time, "x"), y, words);
    setAttributes(this.box, {
      "aria-valuemax": String(times.length),
      "aria-valuenow": String(index + 1),
      "aria-valuetext": words,
    });
  }
}

function options(range: () => [number, number], { steps, sayShort }: Values) {
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
        values: (_: uPlot, at: number[]) => at.map(sayShort),
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

function rem(count: number): number {
  return count * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}
