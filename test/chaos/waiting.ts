/**
 * Who may be in the pool's waiting list, as far as clients and servers can tell: all whose request no server has. They
 * are no fewer than there are in the list, except for some that the list has not heard of yet.
 */
export class Waiting {
  readonly #all = new Set<unknown>();
  /** How many there were, from each moment on. */
  readonly #counts: { from: number; count: number }[] = [];

  add(one: unknown, now: number): void {
    this.#all.add(one);
    this.#counts.push({ from: now, count: this.#all.size });
  }

  delete(one: unknown, now: number): void {
    if (this.#all.delete(one)) this.#counts.push({ from: now, count: this.#all.size });
  }

  /** The most that there were at a moment since then. */
  mostSince(then: number): number {
    let most = 0;
    for (let i = this.#counts.length - 1; i >= 0; i--) {
      const { from, count } = this.#counts[i] as { from: number; count: number };
      most = Math.max(most, count);
      if (from <= then) break;
    }
    return most;
  }
}
