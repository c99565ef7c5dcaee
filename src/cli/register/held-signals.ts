import type { Signal, Signals } from "../process/signals.ts";

/** Keeps the signals of a run from its command until the server has left; then it passes them on. */
export class HeldSignals {
  readonly #handlers = new Set<(signal: Signal, count: number) => void>();
  #isReleased = false;
  #passed = 0;
  #held: Signal | null = null;

  constructor(signals: Signals) {
    signals.on((signal) => {
      if (this.#isReleased) this.#pass(signal);
      else this.#held ??= signal;
    });
  }

  on(handler: (signal: Signal, count: number) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /** Passes on the first signal that has come, or `instead`, and all that come from now on. */
  release(instead: Signal | null = null): void {
    this.#isReleased = true;
    const signal = this.#held ?? instead;
    if (signal) this.#pass(signal);
  }

  #pass(signal: Signal): void {
    this.#passed++;
    for (const handler of [...this.#handlers]) handler(signal, this.#passed);
  }
}
