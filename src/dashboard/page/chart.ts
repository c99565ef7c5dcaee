import type uPlot from "uplot";
import { clockInWords } from "../../words/times.ts";
import { chartOptions, rem, type Values } from "./chart-options.ts";
import { now } from "./clock.ts";
import { byId, setAttributes } from "./dom.ts";
import { Reading } from "./reading.ts";

const HEIGHT_REM = 9;

/** From assets/uplot.js. */
const UPlot = (globalThis as unknown as { uPlot: typeof uPlot }).uPlot;

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
    this.#plot = new UPlot({ ...chartOptions(range, values), ...size(), hooks }, [[], []], this.box);
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
