/** How much may still arrive, in bytes, from a sender that was told to stop: it was on its way, or nearly. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Counts what a side still sends although nobody reads it. The runtime cannot stop reading from a WebSocket (workerd
 * 2026-11-17), so only the end of its connection stops a sender that ignores a Close frame.
 */
export class Excess {
  readonly #tooMuch = Promise.withResolvers<void>();
  #isStopRequested = false;
  #bytes = 0;

  /** Resolves if the sender was told to stop and more than `MOST_BYTES` have arrived all the same. */
  get tooMuch(): Promise<void> {
    return this.#tooMuch.promise;
  }

  requestStop(): void {
    this.#isStopRequested = true;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isStopRequested && this.#bytes > MOST_BYTES) this.#tooMuch.resolve();
  }
}
