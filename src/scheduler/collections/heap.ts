/** A binary heap: what comes first by `before` is taken first, in whatever order the entries came. */
export class Heap<T> {
  #entries: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  push(entry: T): void {
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1);
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  pop(): T | undefined {
    const top = this.#entries[0];
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return top;
    this.#entries[0] = last;
    this.#sink(0);
    return top;
  }

  /** Drops all entries but these, wherever they are. */
  keep(isKept: (entry: T) => boolean): void {
    this.#entries = this.#entries.filter(isKept);
    for (let i = (this.#entries.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  #rise(index: number): void {
    const entries = this.#entries;
    const entry = entries[index] as T;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(entry, entries[parent] as T)) break;
      entries[index] = entries[parent] as T;
      index = parent;
    }
    entries[index] = entry;
  }

  #sink(index: number): void {
    const entries = this.#entries;
    const entry = entries[index] as T;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && this.#before(entries[child + 1] as T, entries[child] as T)) child++;
      if (!this.#before(entries[child] as T, entry)) break;
      entries[index] = entries[child] as T;
      index = child;
    }
    entries[index] = entry;
  }
}
