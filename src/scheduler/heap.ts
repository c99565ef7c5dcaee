/**
 * A binary heap, first entry first, whose entries may die in place: leaving from the middle is a mark on the
 * entry plus `bury()`, constant time. Dead entries are dropped when they come to the top, and swept out
 * together once they are the majority, so a long list that people keep leaving stays in proportion.
 */
export class Heap<T> {
  #entries: T[] = [];
  #dead = 0;
  readonly #before: (a: T, b: T) => boolean;
  readonly #isDead: (entry: T) => boolean;

  constructor(before: (a: T, b: T) => boolean, isDead: (entry: T) => boolean) {
    this.#before = before;
    this.#isDead = isDead;
  }

  /** Entries in memory, the dead ones among them. */
  get size(): number {
    return this.#entries.length;
  }

  push(entry: T): void {
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1);
  }

  /** The first living entry. */
  peek(): T | undefined {
    while (this.#entries.length > 0) {
      const top = this.#entries[0] as T;
      if (!this.#isDead(top)) return top;
      this.#removeTop();
      this.#dead--;
    }
    return undefined;
  }

  /** Takes the first living entry out. */
  pop(): T | undefined {
    const top = this.peek();
    if (top !== undefined) this.#removeTop();
    return top;
  }

  /** One entry that is still in here has died. */
  bury(): void {
    this.#dead++;
    if (this.#dead < 64 || this.#dead * 2 < this.#entries.length) return;
    this.#entries = this.#entries.filter((entry) => !this.#isDead(entry));
    this.#dead = 0;
    for (let i = (this.#entries.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  #removeTop(): void {
    const last = this.#entries.pop() as T;
    if (this.#entries.length === 0) return;
    this.#entries[0] = last;
    this.#sink(0);
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
