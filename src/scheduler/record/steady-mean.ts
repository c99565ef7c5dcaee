/** So many of the latest values count, each by as much less as it is older. */
const LATEST = 512;

/** A mean that follows slowly, so that chance moves it little. */
export class SteadyMean {
  #count = 0;
  #mean = 0;
  #meanSquare = 0;

  note(value: number): void {
    this.#count++;
    const weight = 1 / Math.min(this.#count, LATEST);
    this.#mean += (value - this.#mean) * weight;
    this.#meanSquare += (value * value - this.#meanSquare) * weight;
  }

  /** The mean and its standard error: the true one is hardly higher. `null`: nothing was noted. */
  get atMost(): number | null {
    if (this.#count === 0) return null;
    // A single value says nothing of how much they vary: as much as they are long.
    if (this.#count === 1) return 2 * this.#mean;
    const variance = Math.max(0, this.#meanSquare - this.#mean ** 2);
    return this.#mean + Math.sqrt(variance / Math.min(this.#count - 1, 2 * LATEST));
  }
}
