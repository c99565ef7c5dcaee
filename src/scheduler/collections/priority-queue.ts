/** Fewer useless entries than this are not worth a sweep. Few, as each flow has a queue. */
const LEAST_SWEPT = 16;
/** More stragglers than this are not sorted to tell who is first. */
const MOST_SORTED = 64;

/**
 * A priority queue for entries that nearly always arrive in order: tickets, deadlines, timers of equal length. Such an
 * entry is appended to an array, which costs O(1) to push and to pop. A straggler, which belongs before the array's
 * last entry, goes to a heap instead, at O(log n).
 *
 * Removal from the middle is lazy, O(1): the caller marks the entry as dead and calls `bury()`. Dead entries are
 * dropped when they come first, and swept out together once they and the popped ones are half of all that is in memory.
 * So memory stays proportional to the living entries.
 */
export class PriorityQueue<T> {
  #line: T[] = [];
  /** Index of the first entry in `#line`; entries before it were popped or dropped. */
  #start = 0;
  readonly #stragglers: Heap<T>;
  /** How many dead entries are still in memory. */
  #dead = 0;
  readonly #before: (a: T, b: T) => boolean;
  readonly #isDead: (entry: T) => boolean;

  constructor(before: (a: T, b: T) => boolean, isDead: (entry: T) => boolean) {
    this.#before = before;
    this.#isDead = isDead;
    this.#stragglers = new Heap(before);
  }

  /** How many entries are in memory, including dead and popped ones. */
  get size(): number {
    return this.#line.length + this.#stragglers.size;
  }

  push(entry: T): void {
    const last = this.#line.at(-1);
    if (last !== undefined && this.#before(entry, last)) this.#stragglers.push(entry);
    else this.#line.push(entry);
  }

  /** Returns the first living entry. */
  peek(): T | undefined {
    const inLine = this.#peekLine();
    if (this.#stragglers.size === 0) return inLine;
    const straggler = this.#peekStragglers();
    if (inLine === undefined || straggler === undefined) return inLine ?? straggler;
    return this.#before(straggler, inLine) ? straggler : inLine;
  }

  /** Returns the first living entries in order, at most so many; none while there are many stragglers. O(most). */
  first(most: number): T[] {
    if (this.#stragglers.size > MOST_SORTED) return [];
    const stragglers = this.#stragglers.inOrder();
    const first: T[] = [];
    let next = 0;
    for (let i = this.#start; i < this.#line.length && first.length < most; i++) {
      const entry = this.#line[i] as T;
      if (this.#isDead(entry)) continue;
      for (; next < stragglers.length && this.#before(stragglers[next] as T, entry); next++)
        if (!this.#isDead(stragglers[next] as T)) first.push(stragglers[next] as T);
      first.push(entry);
    }
    for (; next < stragglers.length && first.length < most; next++)
      if (!this.#isDead(stragglers[next] as T)) first.push(stragglers[next] as T);
    return first.slice(0, most);
  }

  /** Removes and returns the first living entry. */
  pop(): T | undefined {
    const first = this.peek();
    if (first === undefined) return undefined;
    if (first === this.#stragglers.peek()) this.#stragglers.pop();
    else this.#start++;
    this.#sweepIfDue();
    return first;
  }

  /** To be called once for each entry that was marked as dead while it was in the queue. */
  bury(): void {
    this.#dead++;
    this.#sweepIfDue();
  }

  #peekLine(): T | undefined {
    for (; this.#start < this.#line.length; this.#start++) {
      const entry = this.#line[this.#start] as T;
      if (!this.#isDead(entry)) return entry;
      this.#dead--;
    }
    return undefined;
  }

  #peekStragglers(): T | undefined {
    for (let entry = this.#stragglers.peek(); entry !== undefined; entry = this.#stragglers.peek()) {
      if (!this.#isDead(entry)) return entry;
      this.#stragglers.pop();
      this.#dead--;
    }
    return undefined;
  }

  #sweepIfDue(): void {
    const useless = this.#start + this.#dead;
    if (useless >= LEAST_SWEPT && useless * 2 >= this.size) this.#sweep();
  }

  #sweep(): void {
    const isAlive = (entry: T) => !this.#isDead(entry);
    this.#line = this.#line.slice(this.#start).filter(isAlive);
    this.#start = 0;
    this.#stragglers.keep(isAlive);
    this.#dead = 0;
  }
}

/** A binary heap: `pop` returns the first entry by `before`. */
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
    this.#siftUp(this.#entries.length - 1);
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  pop(): T | undefined {
    const top = this.#entries[0];
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return top;
    this.#entries[0] = last;
    this.#siftDown(0);
    return top;
  }

  /** Returns all entries, the first by `before` first. */
  inOrder(): T[] {
    return [...this.#entries].sort((a, b) => (this.#before(a, b) ? -1 : 1));
  }

  /** Removes all other entries, in O(n). */
  keep(isKept: (entry: T) => boolean): void {
    this.#entries = this.#entries.filter(isKept);
    for (let i = (this.#entries.length >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  #siftUp(index: number): void {
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

  #siftDown(index: number): void {
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
