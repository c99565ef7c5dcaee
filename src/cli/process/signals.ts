import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, EXIT } from "../exit-codes.ts";

/** How long an interrupted run still waits for the answer to what it asked for. */
const LAST_ANSWER_MS = 2_000;

const HEARD = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type HeardSignal = (typeof HEARD)[number];

/** When to stop: with new questions `now`, and to wait for the answer to one that is on its way `soon`. */
export interface Stop {
  now: AbortSignal;
  /**
   * A little later: a request that changes something, cut off at once, could come to Sluice after the one that takes
   * it back, or be given up though it was about to be answered.
   */
  soon: AbortSignal;
}

/** What the user, or whoever runs this, says by signals; from here on none of them ends the process by itself. */
export class Signals {
  first: HeardSignal | null = null;
  readonly #stop = new Stopping();
  readonly #handlers = new Set<(signal: HeardSignal, count: number) => void>();
  #count = 0;

  constructor() {
    for (const signal of HEARD) process.on(signal, () => this.#heard(signal));
  }

  /** Aborted by the first of them. */
  get stop(): AbortSignal {
    return this.#stop.now;
  }

  /** Aborted a little later, see `Stop`. */
  get stopSoon(): AbortSignal {
    return this.#stop.soon;
  }

  /** As shells have it. */
  get exitCode(): number {
    return EXIT.signal + (this.first ? constants.signals[this.first] : 0);
  }

  /** Told of each signal, and which one it is by number, until the returned function is called. */
  on(handler: (signal: HeardSignal, count: number) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /**
   * Puts right what the run has changed: not given up for the first signal, of which `onFirst` is told if it comes
   * only now, but for one more.
   */
  async puttingRight<T>(act: (leave: Stop) => Promise<T>, onFirst = () => {}): Promise<T> {
    const leave = new Stopping();
    const off = this.on((_, count) => (count > 1 ? leave.abort() : onFirst()));
    try {
      return await act(leave);
    } finally {
      off();
    }
  }

  /** Rejects when the first signal comes, or has come. */
  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stop });
  }

  #heard(signal: HeardSignal): void {
    this.#count++;
    this.first ??= signal;
    this.#stop.abort(new CliError(this.exitCode, `interrupted by ${signal}`));
    for (const handler of [...this.#handlers]) handler(signal, this.#count);
  }
}

class Stopping implements Stop {
  readonly #now = new AbortController();
  readonly #soon = new AbortController();

  get now(): AbortSignal {
    return this.#now.signal;
  }

  get soon(): AbortSignal {
    return this.#soon.signal;
  }

  abort(reason?: Error): void {
    if (this.now.aborted) return;
    this.#now.abort(reason);
    setTimeout(() => this.#soon.abort(reason), LAST_ANSWER_MS).unref();
  }
}
