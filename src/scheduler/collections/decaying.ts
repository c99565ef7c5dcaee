/** What was added counts half after so long, in ms. */
const HALF_LIFE_MS = 30_000;

/** A sum of which the older parts count less. Instants are in ms since the epoch. */
export class Decaying {
  #sum = 0;
  #at = 0;

  add(amount: number, now: number): void {
    this.#sum = this.at(now) + amount;
    this.#at = now;
  }

  at(now: number): number {
    return this.#sum === 0 ? 0 : this.#sum * 2 ** (-Math.max(0, now - this.#at) / HALF_LIFE_MS);
  }
}
