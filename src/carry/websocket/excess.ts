/** How much may still come of a sender that was told to stop, in bytes: what was on its way, or nearly. */
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * What comes of a sender though nobody takes it. The runtime reads on whatever we do (workerd 2026-11-17): one that
 * does not heed a Close frame is stopped only by the end of its connection.
 */
export class Excess {
  readonly #tooMuch = Promise.withResolvers<void>();
  #senderWasTold = false;
  #bytes = 0;

  /** Resolves if it gets too much. */
  get tooMuch(): Promise<void> {
    return this.#tooMuch.promise;
  }

  begin(): void {
    this.#senderWasTold = true;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#senderWasTold && this.#bytes > MOST_BYTES) this.#tooMuch.resolve();
  }
}
