/** An entry of a `Ranking`, which keeps its index there up to date; -1: it is in none. */
export interface Ranked {
  rank: number;
}

/**
 * A binary heap whose entries can be moved: `set` adds an entry, or moves it after what it is ordered by has changed, and
 * `remove` takes it out, both at O(log n). An entry may be in one ranking at a time.
 */
export class Ranking<T extends Ranked> {
  readonly #entries: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  set(entry: T): void {
    if (entry.rank < 0) entry.rank = this.#entries.push(entry) - 1;
    this.#siftDown(this.#siftUp(entry.rank));
  }

  /** Does nothing to an entry that is not there. */
  remove(entry: T): void {
    const { rank } = entry;
    if (rank < 0) return;
    const last = this.#entries.pop() as T;
    entry.rank = -1;
    if (last === entry) return;
    this.#put(last, rank);
    this.#siftDown(this.#siftUp(rank));
  }

  #put(entry: T, index: number): void {
    this.#entries[index] = entry;
    entry.rank = index;
  }

  /** Returns the index that the entry has then. */
  #siftUp(from: number): number {
    const entry = this.#entries[from] as T;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#entries[above] as T;
      if (!this.#before(entry, parent)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(entry, index);
    return index;
  }

  #siftDown(from: number): void {
    const entry = this.#entries[from] as T;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= this.#entries.length) break;
      const right = this.#entries[below + 1];
      if (right && this.#before(right, this.#entries[below] as T)) below++;
      const child = this.#entries[below] as T;
      if (!this.#before(child, entry)) break;
      this.#put(child, index);
      index = below;
    }
    this.#put(entry, index);
  }
}
