const HEARTBEAT_MS = 5_000;

/**
 * Touches storage every few seconds while it is asked to. An instance of the object that has been replaced is
 * told so only when it touches storage; one that merely lets requests wait, as in a drain, would never find
 * out, while its successor is the one that is resumed. What it writes, the counts, is lost for no longer than that
 * when the object dies.
 */
export class Heartbeat {
  readonly #beat: () => boolean;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `beat` writes, and says whether to go on. */
  constructor(beat: () => boolean) {
    this.#beat = beat;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#beat()) this.start();
    }, HEARTBEAT_MS);
  }
}
