import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Clock } from "../../src/link/clock.ts";

let clock: Clock;
let rung: string[];
beforeEach(() => {
  vi.useFakeTimers();
  clock = new Clock();
  rung = [];
});
afterEach(() => vi.useRealTimers());

const set = (ms: number, name: string) => clock.set(ms, () => rung.push(name));

test("alarms ring when they are due, in whatever order they were set, on one timer", () => {
  set(50, "b");
  set(20, "a");
  set(9_000, "c");
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(19);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung).toEqual(["a"]);
  vi.advanceTimersByTime(30);
  expect(rung).toEqual(["a", "b"]);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(9_000);
  expect(rung).toEqual(["a", "b", "c"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that is called off does not ring, and the others do", () => {
  const first = set(10, "a");
  set(20, "b");
  clock.cancel(first);
  vi.advanceTimersByTime(20);
  expect(rung).toEqual(["b"]);
});

test("one may set the next", () => {
  clock.set(10, () => set(10, "later"));
  vi.advanceTimersByTime(20);
  expect(rung).toEqual(["later"]);
});

test("once it is stopped nothing rings, not even what is due at the same moment", () => {
  clock.set(10, () => clock.stop());
  set(10, "a");
  set(20, "b");
  vi.advanceTimersByTime(100);
  expect(rung).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("an alarm further away than a timer can be set waits for its time", () => {
  const days30 = 30 * 24 * 3_600_000;
  set(days30, "a");
  vi.advanceTimersByTime(days30 - 1);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rung).toEqual(["a"]);
});
