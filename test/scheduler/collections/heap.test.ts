import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Heap } from "../../../src/scheduler/collections/heap.ts";

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
