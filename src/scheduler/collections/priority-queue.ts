/** Fewer cells than these are not worth a sweep. */
const LEAST_SWEPT = 64;

/**
 * First entry first, for orders in which the entries nearly always come: places in the waiting list, deadlines,
 * the ends of equal times to live. Such an entry goes to the end of a line, and costs O(1) to enter and to take;
 * what belongs before the end of the line goes to a heap beside it, at O(log n).
 *
 * Entries may die in place: leaving from the middle is a mark on the entry plus `bury()`, O(1). Dead entries are
 * dropped when they come first, and swept out together once half of what is in memory is of no use, so that it
 * stays in proportion to the living.
 */
export class PriorityQueue<T> {
  #line: T[] = [];
  /** Where in the line its first entry is: those before it were taken. */
  #first = 0;
  readonly #stragglers: Heap<T>;
  /** Those that died, in the line or among the stragglers, and were not dropped yet. */
  #dead = 0;
  readonly #before: (a: T, b: T) => boolean;
  readonly #isDead: (entry: T) => boolean;

  constructor(before: (a: T, b: T) => boolean, isDead: (entry: T) => boolean) {
    this.#before = before;
    this.#isDead = isDead;
    this.#stragglers = new Heap(before);
  }

  /** Entries in memory, those of no use among them. */
  get size(): number {
    return this.#line.length + this.#stragglers.size;
  }

  push(entry: T): void {
    const last = this.#line.at(-1);
    if (last !== undefined && this.#before(entry, last)) this.#stragglers.push(entry);
    else this.#line.push(entry);
  }

  /** The first living entry. */
  peek(): T | undefined {
    const inLine = this.#firstInLine();
    if (this.#stragglers.size === 0) return inLine;
    const straggler = this.#firstStraggler();
    if (inLine === undefined || straggler === undefined) return inLine ?? straggler;
    return this.#before(straggler, inLine) ? straggler : inLine;
  }

  /** Takes the first living entry out. */
  pop(): T | undefined {
    const first = this.peek();
    if (first === undefined) return undefined;
    if (first === this.#stragglers.peek()) this.#stragglers.pop();
    else this.#first++;
    this.#sweepIfDue();
    return first;
  }

  /** One entry that is still in here has died. */
  bury(): void {
    this.#dead++;
    this.#sweepIfDue();
  }

  #firstInLine(): T | undefined {
    for (; this.#first < this.#line.length; this.#first++) {
      const entry = this.#line[this.#first] as T;
      if (!this.#isDead(entry)) return entry;
      this.#dead--;
    }
    return undefined;
  }

  #firstStraggler(): T | undefined {
    for (let entry = this.#stragglers.peek(); entry !== undefined; entry = this.#stragglers.peek()) {
      if (!this.#isDead(entry)) return entry;
      this.#stragglers.pop();
      this.#dead--;
    }
    return undefined;
  }

  #sweepIfDue(): void {
    const useless = this.#first + this.#dead;
    if (useless >= LEAST_SWEPT && useless * 2 >= this.size) this.#sweep();
  }

  #sweep(): void {
    const isAlive = (entry: T) => !this.#isDead(entry);
    this.#line = this.#line.slice(this.#first).filter(isAlive);
    this.#first = 0;
    this.#stragglers.keep(isAlive);
    this.#dead = 0;
  }
}

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
