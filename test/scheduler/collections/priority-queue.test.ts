import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Heap, PriorityQueue } from "../../../src/scheduler/collections/priority-queue.ts";

interface Entry {
  key: number;
  dead: boolean;
}

const newQueue = () =>
  new PriorityQueue<Entry>(
    (a, b) => a.key < b.key,
    (entry) => entry.dead,
  );

const newEntry = (key: number): Entry => ({ key, dead: false });

/** What happens to a queue: most entries come in order. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant("push later" as const), by: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("push anywhere" as const), at: fc.nat(300) }) },
  { weight: 3, arbitrary: fc.constant({ what: "pop" as const }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("die" as const), which: fc.nat() }) },
);

/** How large the queue gets while 100,000 come, from this key on, and die at once. */
function largestWhileTheyDie(queue: ReturnType<typeof newQueue>, firstKey: number): number {
  let largest = 0;
  for (let key = firstKey; key < firstKey + 100_000; key++) {
    const entry = newEntry(key);
    queue.push(entry);
    entry.dead = true;
    queue.bury();
    largest = Math.max(largest, queue.size);
  }
  return largest;
}

describe("a priority queue", () => {
  test("gives what lives in order, whatever came, went and died meanwhile, and keeps in proportion", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 600, size: "max" }), (events) => {
        const queue = newQueue();
        let living: Entry[] = [];
        let latest = 0;
        const push = (key: number) => {
          const entry = newEntry(key);
          queue.push(entry);
          living.push(entry);
        };
        const leave = (entry: Entry) => {
          living = living.filter((one) => one !== entry);
        };
        for (const one of events) {
          const first = Math.min(...living.map((entry) => entry.key));
          expect(queue.peek()?.key ?? Number.POSITIVE_INFINITY).toBe(first);
          if (one.what === "push later") {
            latest += one.by;
            push(latest);
          }
          if (one.what === "push anywhere") push(one.at);
          if (one.what === "pop") {
            const taken = queue.pop();
            expect(taken?.key ?? Number.POSITIVE_INFINITY).toBe(first);
            if (taken) expect(living).toContain(taken);
            if (taken) leave(taken);
          }
          const dying = one.what === "die" ? living[one.which % living.length] : undefined;
          if (dying) {
            dying.dead = true;
            queue.bury();
            leave(dying);
          }
          expect(queue.size).toBeLessThanOrEqual(2 * living.length + 16);
        }
        const rest = living.map((entry) => entry.key).sort((a, b) => a - b);
        expect(living.map(() => queue.pop()?.key)).toEqual(rest);
        expect(queue.pop()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("gives equals that come in order in the order they came", () => {
    const queue = newQueue();
    const entries = [1, 2, 2, 2, 3].map(newEntry);
    for (const entry of entries) queue.push(entry);
    expect(entries.map(() => queue.pop())).toEqual(entries);
  });

  test("does not grow while entries come and die behind one that stays", () => {
    const queue = newQueue();
    queue.push(newEntry(0));
    expect(largestWhileTheyDie(queue, 1)).toBeLessThan(200);
    expect(queue.pop()?.key).toBe(0);
    expect(queue.pop()).toBeUndefined();
  });

  test("does not grow while entries come in order and are taken", () => {
    const queue = newQueue();
    let largest = 0;
    for (let key = 0; key <= 100_000; key++) {
      queue.push(newEntry(key));
      if (key >= 10) expect(queue.pop()?.key).toBe(key - 10);
      largest = Math.max(largest, queue.size);
    }
    expect(largest).toBeLessThan(200);
  });

  test("does not grow while stragglers come and die before one that is far ahead", () => {
    const queue = newQueue();
    queue.push(newEntry(1_000_000));
    expect(largestWhileTheyDie(queue, 0)).toBeLessThan(200);
    expect(queue.pop()?.key).toBe(1_000_000);
  });
});

const ascending = (a: number, b: number) => a - b;

function heapOf(entries: number[]): Heap<number> {
  const heap = new Heap<number>((a, b) => a < b);
  for (const entry of entries) heap.push(entry);
  return heap;
}

function popAll(heap: Heap<number>): number[] {
  return Array.from({ length: heap.size }, () => heap.pop() ?? Number.NaN);
}

test("a heap gives its entries in order, in whatever order they came, and then nothing", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (entries) => {
      const heap = heapOf(entries);
      expect(heap.peek()).toBe(entries.toSorted(ascending)[0]);
      expect(popAll(heap)).toEqual(entries.toSorted(ascending));
      expect([heap.size, heap.peek(), heap.pop()]).toEqual([0, undefined, undefined]);
    }),
  );
});

test("a heap from which entries were dropped gives the others in order, and takes new ones", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.nat(50), fc.array(fc.nat(50)), (entries, least, later) => {
      const heap = heapOf(entries);
      heap.keep((entry) => entry >= least);
      for (const entry of later) heap.push(entry);
      const kept = [...entries.filter((entry) => entry >= least), ...later];
      expect(popAll(heap)).toEqual(kept.sort(ascending));
    }),
  );
});
