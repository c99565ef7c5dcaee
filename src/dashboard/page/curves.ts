import { counted, grouped } from "../../words/phrases.ts";
import { fineDuration } from "../../words/times.ts";
import { Chart } from "./chart.ts";
import type { Values } from "./chart-options.ts";
import { byId } from "./dom.ts";
import { type History, KEPT_MS } from "./history.ts";
import { durationLabels } from "./labels.ts";
import { setSteadyText } from "./steady.ts";

const LEAST_MS = 60_000;

const REQUESTS: Values = {
  steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000],
  label: (counts) => counts.map(grouped),
  say: (value) => counted(value, "request"),
};
const WAIT: Values = {
  steps: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600],
  label: durationLabels,
  say: (seconds) => (seconds === 0 ? "none" : fineDuration(seconds * 1_000)),
};

/** How far a key moves on the time axis, in seconds. */
const KEYS: Record<string, number> = {
  ArrowLeft: -5,
  ArrowDown: -5,
  ArrowRight: 5,
  ArrowUp: 5,
  PageDown: -60,
  PageUp: 60,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/**
 * The two curves of a pool's waiting list, each with its latest and its highest value in words. Both show their values
 * at the time to which the pointer or the keyboard points on one of them.
 */
export class Curves {
  #from = 0;
  #now = 0;
  /** In seconds since the epoch; `null`: nobody points to a time. */
  #pointedAt: number | null = null;
  readonly #queue: Chart;
  readonly #wait: Chart;

  constructor() {
    const range = (): [number, number] => [this.#from / 1_000, this.#now / 1_000];
    this.#queue = new Chart("queue-chart", range, REQUESTS);
    this.#wait = new Chart("wait-chart", range, WAIT);
    for (const chart of [this.#queue, this.#wait]) this.#listen(chart);
    for (const media of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
      matchMedia(media).addEventListener("change", () => {
        this.#queue.redraw();
        this.#wait.redraw();
      });
  }

  draw(history: History, now: number): void {
    this.#now = now;
    // The ten minutes of the axis shrink to what is known: a page that was just opened has little to draw.
    const known = now - (history.times[0] ?? 0) * 1_000;
    this.#from = now - Math.min(KEPT_MS, Math.max(LEAST_MS, known));
    this.#queue.draw(history.times, history.queued);
    this.#wait.draw(history.times, history.oldest);
    setSteadyText(byId("queue-words"), words(history.queued, REQUESTS));
    setSteadyText(byId("wait-words"), words(history.oldest, WAIT));
  }

  #listen(chart: Chart): void {
    const { box } = chart;
    const follow = (event: PointerEvent) => this.#point(chart.timeAt(event.clientX));
    box.addEventListener("pointermove", follow);
    box.addEventListener("pointerdown", follow);
    // A finger leaves with each touch; what it has pointed to stays until another place is touched.
    box.addEventListener("pointerleave", ({ pointerType }) => {
      if (pointerType === "mouse" && document.activeElement !== box) this.#point(null);
    });
    box.addEventListener("focus", () => this.#point(this.#pointedAt ?? this.#now / 1_000));
    box.addEventListener("blur", () => this.#point(null));
    box.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (event.key === "Escape") this.#point(null);
      if (step === undefined) return;
      event.preventDefault();
      this.#point((this.#pointedAt ?? this.#now / 1_000) + step);
    });
  }

  #point(at: number | null): void {
    this.#pointedAt = at === null ? null : Math.min(Math.max(at, this.#from / 1_000), this.#now / 1_000);
    for (const chart of [this.#queue, this.#wait]) chart.read(this.#pointedAt);
  }
}

function words(values: readonly (number | null)[], { say }: Values): string {
  const known = values.filter((value) => value !== null);
  const now = values.at(-1) ?? null;
  if (known.length === 0) return "Nothing known yet.";
  const highest = known.reduce((most, value) => Math.max(most, value), 0);
  return `Now ${now === null ? "unknown" : say(now)}; most ${say(highest)}.`;
}
