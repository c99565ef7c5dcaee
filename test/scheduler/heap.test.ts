import { expect, test } from "vitest";
import { Heap } from "../../src/scheduler/heap.ts";

interface Entry {
  key: number;
  dead: boolean;
}

test("a heap does not grow while entries come and die behind one that stays", () => {
  const heap = new Heap<Entry>(
    (a, b) => a.key < b.key,
    (entry) => entry.dead,
  );
  heap.push({ key: 0, dead: false });
  let largest = 0;
  for (let key = 1; key <= 100_000; key++) {
    const entry = { key, dead: false };
    heap.push(entry);
    entry.dead = true;
    heap.bury();
    largest = Math.max(largest, heap.size);
  }
  expect(largest).toBeLessThan(200);
  expect(heap.pop()?.key).toBe(0);
  expect(heap.pop()).toBeUndefined();
});
