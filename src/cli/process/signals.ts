import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, EXIT } from "../exit-codes.ts";

/** How long an interrupted run still waits for the answer to what it asked for. */
const LAST_ANSWER_MS = 2_000;

const HEARD = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type HeardSignal = (typeof HEARD)[number];

/** What the user, or whoever runs this, says by signals; from here on none of them ends the process by itself. */
export class Signals {
  first: HeardSignal | null = null;
  readonly #stop = new AbortController();
  readonly #stopSoon = new AbortController();
  readonly #handlers = new Set<(signal: HeardSignal, count: number) => void>();
  #count = 0;

  constructor() {
    for (const signal of HEARD) process.on(signal, () => this.#heard(signal));
  }

  /** Aborted by the first of them. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Aborted a little later: for a request that changes something. Cut off at once, it could come to Sluice after
   * the one that takes it back.
   */
  get stopSoon(): AbortSignal {
    return this.#stopSoon.signal;
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

  /** Rejects when the first signal comes, or has come. */
  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stop });
  }

  #heard(signal: HeardSignal): void {
    this.#count++;
    this.first ??= signal;
    const interrupted = new CliError(this.exitCode, `interrupted by ${signal}`);
    this.#stop.abort(interrupted);
    if (this.#count === 1) setTimeout(() => this.#stopSoon.abort(interrupted), LAST_ANSWER_MS).unref();
    for (const handler of [...this.#handlers]) handler(signal, this.#count);
  }
}
