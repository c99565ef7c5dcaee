import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, EXIT } from "../exit-codes.ts";

/** How long an interrupted run waits for the answer to a request that it has sent, in ms. */
const LAST_ANSWER_MS = 2_000;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type Signal = (typeof SIGNALS)[number];

/** How a run stops. */
export interface Stop {
  /** No new requests. */
  now: AbortSignal;
  /**
   * A little later: cuts off a request that is on its way. Cut off at once, a drain could reach Sluice after the
   * resume that follows it.
   */
  soon: AbortSignal;
}

/** The signals to this process. Once it is constructed, none of them ends the process by itself. */
export class Signals {
  /** The first signal so far. */
  first: Signal | null = null;
  readonly #stop = new StopController();
  readonly #handlers = new Set<(signal: Signal, count: number) => void>();
  #count = 0;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, () => this.#onSignal(signal));
  }

  /** Aborted by the first signal. */
  get stop(): AbortSignal {
    return this.#stop.now;
  }

  /** Aborted a little later; see `Stop`. */
  get stopSoon(): AbortSignal {
    return this.#stop.soon;
  }

  /** The exit code of a process that was ended by a signal, as a shell has it. */
  get exitCode(): number {
    return EXIT.signal + (this.first ? constants.signals[this.first] : 0);
  }

  /** Calls `handler` with each signal and its number, until the returned function is called. */
  on(handler: (signal: Signal, count: number) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  /**
   * Runs `act`, which reverts what the run has changed. The second signal of the run makes it give up; if the first one
   * comes only now, it calls `onFirst`.
   */
  async cleanUp<T>(act: (leave: Stop) => Promise<T>, onFirst = () => {}): Promise<T> {
    const leave = new StopController();
    const off = this.on((_, count) => (count > 1 ? leave.abort() : onFirst()));
    try {
      return await act(leave);
    } finally {
      off();
    }
  }

  /** Rejects at the first signal, or if it has come before. */
  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stop });
  }

  #onSignal(signal: Signal): void {
    this.#count++;
    this.first ??= signal;
    this.#stop.abort(new CliError(this.exitCode, `interrupted by ${signal}`));
    for (const handler of [...this.#handlers]) handler(signal, this.#count);
  }
}

export class StopController implements Stop {
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
