import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 250;
/** For so long a pause may explain what came late. */
const LATELY_MS = 3_000;

/** How long the processes of a run did not get to do anything: this very one, clients and servers in one, and all isolates. */
export class Pauses {
  longestMs = 0;
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  #last: { at: number; ms: number }[] = [];
  /** Since when somebody has been asked who has not answered yet. */
  readonly #asked = new Set<{ since: number }>();
  readonly #timer = setInterval(() => this.#noteOwn(), INTERVAL_MS);

  constructor() {
    this.#delay.enable();
  }

  /** The longest in the last seconds. */
  get latelyMs(): number {
    const now = performance.now();
    const open = [...this.#asked].map(({ since }) => now - since);
    return Math.max(0, ...open, ...this.#last.filter(({ at }) => at > now - LATELY_MS).map(({ ms }) => ms));
  }

  /** `ask` resolves at once, unless who is asked is not run; what fails says nothing. Until `signal`. */
  async watch(ask: () => Promise<() => Promise<unknown>>, signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await sleep(INTERVAL_MS)) {
      const answer = await ask();
      const asked = { since: performance.now() };
      this.#asked.add(asked);
      const hasAnswered = await answer().then(
        () => true,
        () => false,
      );
      this.#asked.delete(asked);
      if (hasAnswered) this.#note(performance.now() - asked.since);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  #noteOwn(): void {
    const pauseMs = this.#delay.max / 1e6;
    this.#delay.reset();
    this.#note(pauseMs);
  }

  #note(ms: number): void {
    this.longestMs = Math.max(this.longestMs, ms);
    const at = performance.now();
    this.#last = [...this.#last.filter((one) => one.at > at - LATELY_MS), { at, ms }];
  }
}
