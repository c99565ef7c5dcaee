import { monitorEventLoopDelay } from "node:perf_hooks";

const INTERVAL_MS = 250;
/** For so many intervals a pause may explain what came late. */
const LATELY = 12;

/** How long this very process, clients and servers in one, did not get to do anything. */
export class Pauses {
  longestMs = 0;
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  readonly #last: number[] = [];
  readonly #timer = setInterval(() => this.#note(), INTERVAL_MS);

  constructor() {
    this.#delay.enable();
  }

  /** The longest in the last seconds. */
  get latelyMs(): number {
    return Math.max(0, ...this.#last);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  #note(): void {
    const pauseMs = this.#delay.max / 1e6;
    this.#delay.reset();
    this.longestMs = Math.max(this.longestMs, pauseMs);
    this.#last.unshift(pauseMs);
    this.#last.length = Math.min(this.#last.length, LATELY);
  }
}
