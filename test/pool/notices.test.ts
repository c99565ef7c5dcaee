import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Notices } from "../../src/pool/notices.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a notice is given after a while, and once", () => {
  const give = vi.fn();
  new Notices(500).add(give, Date.now());
  vi.advanceTimersByTime(499);
  expect(give).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(give).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(give).toHaveBeenCalledTimes(1);
});

test("notices are given in the order in which they came, none much later than due", () => {
  const notices = new Notices(500);
  const given: number[] = [];
  const late: number[] = [];
  for (let n = 0; n < 1_000; n++) {
    const dueAt = Date.now() + 500;
    notices.add(() => {
      given.push(n);
      late.push(Date.now() - dueAt);
    }, Date.now());
    vi.advanceTimersByTime(n % 3);
  }
  vi.advanceTimersByTime(1_000);
  expect(given).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThanOrEqual(100);
});

test("a notice that comes when all others are given is given too", () => {
  const notices = new Notices(500);
  const give = vi.fn();
  notices.add(() => {}, Date.now());
  vi.advanceTimersByTime(5_000);
  notices.add(give, Date.now());
  vi.advanceTimersByTime(500);
  expect(give).toHaveBeenCalledTimes(1);
});
