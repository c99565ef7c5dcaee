import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Bookings } from "../../src/scheduler/bookings.ts";
import { seeded } from "./crowd.ts";

const bookings = () => new Bookings(0, seeded(1));
const many = (count: number, of: () => number) => Array.from({ length: count }, of);

test("as many are told to come in a second as there is room for, and one more at first", () => {
  const booked = bookings();
  expect(many(9, () => booked.book(0, 3, 0))).toEqual([1, 1, 1, 1, 2, 2, 2, 3, 3]);
});

test("nobody is told to come before the first second with room, nor earlier than in a second", () => {
  const booked = bookings();
  expect(booked.book(7_001, 2, 0)).toBe(8);
  expect(bookings().book(0, 100, 0)).toBe(1);
});

test("a room that takes a while to come free is booked as seldom, fractions included", () => {
  const booked = bookings();
  expect(many(5, () => booked.book(0, 0.25, 0))).toEqual([1, 4, 8, 12, 16]);
  const told = many(100, () => booked.book(0, 0.8, 0));
  expect((told.at(-1) as number) - (told[0] as number)).toBeCloseTo(100 / 0.8, -1);
});

test("as time passes, nobody is booked for room that others have", () => {
  const perSecond = fc.double({ min: 0.05, max: 20, noNaN: true });
  const pauses = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(perSecond, pauses, fc.integer({ min: 0, max: 20 }), (rate, all, firstAt) => {
      const booked = bookings();
      let second = 0;
      const seconds = all.map((pause) => {
        second += pause;
        return second + booked.book(Math.max(0, firstAt - second) * 1_000, rate, second * 1_000);
      });
      seconds.sort((a, b) => a - b);
      for (const [from, first] of seconds.entries())
        for (const [more, last] of seconds.slice(from).entries())
          expect(more).toBeLessThanOrEqual(rate * (last - first + 1) + 1e-6);
    }),
    { numRuns: 100 },
  );
});

test("once there is no room within an hour, times of its last quarter are drawn, all different", () => {
  const booked = bookings();
  for (let n = 0; n < 3_600; n++) booked.book(0, 1, 0);
  const told = many(200, () => booked.book(0, 1, 0));
  expect(Math.min(...told)).toBeGreaterThan(2_600);
  expect(Math.max(...told)).toBeLessThanOrEqual(3_600);
  expect(new Set(told).size).toBeGreaterThan(150);
});

test("when there is more room than before, it is used beside what was booked", () => {
  const booked = bookings();
  for (let n = 0; n < 600; n++) booked.book(0, 1, 0);
  expect(booked.book(0, 1, 60_000)).toBeGreaterThan(500);
  expect(booked.book(0, 10, 61_000)).toBeLessThan(3);
});

test("as many of those who come count as told to as were, a moment late as well, and each once", () => {
  const booked = bookings();
  many(3, () => booked.book(0, 10, 0));
  expect(booked.takeReturn(500)).toBe(false);
  expect([1_100, 1_200, 3_900, 3_950].map((now) => booked.takeReturn(now))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  booked.book(0, 10, 5_000);
  expect(booked.takeReturn(9_000)).toBe(false);
});

test("what was booked is over after a long sleep, and a clock that is set back does no harm", () => {
  const booked = bookings();
  for (let n = 0; n < 1_000; n++) booked.book(0, 1, 0);
  expect(booked.book(0, 1, 24 * 3_600_000)).toBe(1);
  expect(booked.book(0, 1, 0)).toBeGreaterThanOrEqual(1);
});
