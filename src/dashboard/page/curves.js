/** @import { History } from "./history.js" */
import { byId, setText } from "./dom.js";
import { KEPT_MS } from "./history.js";
import { counted, duration, whole } from "./words.js";

const HEIGHT_REM = 9;
const LEAST_MS = 60_000;

/** @type {typeof import("uplot")} */
const UPlot = /** @type {any} */ (globalThis).uPlot;

const HOURS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS_TOO = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000];
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];

/** The two curves of a pool's waiting list, each said in words too. */
export class Curves {
  #from = 0;
  #now = 0;
  #queue;
  #wait;

  constructor() {
    const range = () => /** @type {[number, number]} */ ([this.#from / 1_000, this.#now / 1_000]);
    const count = (/** @type {number} */ value) => value.toLocaleString("en-GB");
    this.#queue = chart("queue-chart", range, COUNTS, count);
    this.#wait = chart("wait-chart", range, SECONDS, (seconds) => whole(seconds * 1_000));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
  }

  /**
   * @param {History} history
   * @param {number} now
   */
  show(history, now) {
    this.#now = now;
    // Ten minutes, once so much is known: a page that was just opened has little to show, and shows it large.
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
      words(history.oldest, (value) => (value === 0 ? "none" : duration(value * 1_000))),
    );
  }

  #redraw() {
    this.#queue.redraw();
    this.#wait.redraw();
  }
}

/**
 * @param {(number | null)[]} values
 * @param {(value: number) => string} say
 */
function words(values, say) {
  const known = values.filter((value) => value !== null);
  const now = values.at(-1) ?? null;
  if (known.length === 0) return "Nothing known yet.";
  const highest = known.reduce((most, value) => Math.max(most, value), 0);
  return `Now ${now === null ? "unknown" : say(now)}; most ${say(highest)}.`;
}

/**
 * @param {string} id
 * @param {() => [number, number]} range
 * @param {number[]} steps
 * @param {(value: number) => string} say
 */
function chart(id, range, steps, say) {
  const box = byId(id);
  const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--line"), width: 1 } };
  const ticks = { show: false };
  const font = `${rem(0.8)}px ${getComputedStyle(document.body).fontFamily}`;
  /** @type {import("uplot").Options} */
  const options = {
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
    // Hidden, it has no width; it is drawn when it is seen again.
    if (box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: rem(HEIGHT_REM) });
  }).observe(box);
  return plot;
}

/** @param {number} seconds */
function timeWords(seconds) {
  return (seconds % 60 === 0 ? HOURS : SECONDS_TOO).format(seconds * 1_000);
}

/** @param {string} name */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** @param {number} count */
function rem(count) {
  return count * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}
