import type uPlot from "uplot";
import { counted, grouped } from "../../words/phrases.ts";
import { fineDuration, wholeSeconds } from "../../words/times.ts";
import { byId, setText } from "./dom.ts";
import { type History, KEPT_MS } from "./history.ts";

const HEIGHT_REM = 9;
const LEAST_MS = 60_000;

/** From assets/uplot.js. */
const UPlot = (globalThis as unknown as { uPlot: typeof uPlot }).uPlot;

const HOURS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS_TOO = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000];
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];

/** The two curves of a pool's waiting list, each with its latest and its highest value in words. */
export class Curves {
  #from = 0;
  #now = 0;
  readonly #queue: uPlot;
  readonly #wait: uPlot;

  constructor() {
    const range = (): [number, number] => [this.#from / 1_000, this.#now / 1_000];
    this.#queue = chart("queue-chart", range, COUNTS, grouped);
    this.#wait = chart("wait-chart", range, SECONDS, (seconds) => wholeSeconds(seconds * 1_000));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
  }

  draw(history: History, now: number): void {
    this.#now = now;
    // The ten minutes of the axis shrink to what is known: a page that was just opened has little to draw.
    const known = now - (history.times[0] ?? 0) * 1_000;
    this.#from = now - Math.min(KEPT_MS, Math.max(LEAST_MS, known));
    this.#queue.setData([history.times, history.queued]);
    this.#wait.setData([history.times, history.oldest]);
    setText(
      byId("queue-words"),
      words(history.queued, (value) => counted(value, "request")),
    );
    setText(
      byId("wait-words"),
      words(history.oldest, (value) => (value === 0 ? "none" : fineDuration(value * 1_000))),
    );
  }

  #redraw(): void {
    this.#queue.redraw();
    this.#wait.redraw();
  }
}

function words(values: readonly (number | null)[], say: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  const now = values.at(-1) ?? null;
  if (known.length === 0) return "Nothing known yet.";
  const highest = known.reduce((most, value) => Math.max(most, value), 0);
  return `Now ${now === null ? "unknown" : say(now)}; most ${say(highest)}.`;
}

/** `range`: of the time axis, in seconds. `steps`: distances between the lines of the value axis. */
function chart(
  id: string,
  range: () => [number, number],
  steps: number[],
  say: (value: number) => string,
): uPlot {
  const box = byId(id);
  const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--line"), width: 1 } };
  const ticks = { show: false };
  const font = `${rem(0.8)}px ${getComputedStyle(document.body).fontFamily}`;
  const options: uPlot.Options = {
    width: box.clientWidth,
    height: rem(HEIGHT_REM),
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { range }, y: { range: (_, __, most) => [0, Math.max(4, (most ?? 0) * 1.1)] } },
    axes: [
      {
        ...axis,
        ticks,
        font,
        incrs: [15, 30, 60, 120, 300, 600],
        space: rem(5),
        size: rem(1.6),
        values: (_, at) => at.map(timeWords),
      },
      { ...axis, ticks, font, space: rem(1.8), size: rem(3.4), incrs: steps, values: (_, at) => at.map(say) },
    ],
    series: [
      {},
      {
        stroke: () => colour("--accent"),
        fill: () => colour("--accent-soft"),
        width: 2,
        points: { show: false },
      },
    ],
  };
  const plot = new UPlot(options, [[], []], box);
  new ResizeObserver(() => {
    // A hidden chart has no width; it is drawn when it becomes visible.
    if (box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: rem(HEIGHT_REM) });
  }).observe(box);
  return plot;
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
