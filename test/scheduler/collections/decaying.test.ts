import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Decaying } from "../../../src/scheduler/collections/decaying.ts";

const HALF_LIFE_MS = 30_000;

test("what was added counts half after half a minute, and next to nothing after ten", () => {
  const sum = new Decaying();
  expect(sum.at(5_000)).toBe(0);
  sum.add(8, 1_000);
  expect(sum.at(1_000)).toBe(8);
  expect(sum.at(1_000 + HALF_LIFE_MS)).toBeCloseTo(4);
  expect(sum.at(1_000 + 600_000)).toBeLessThan(0.00001);
});

test("it is the sum of all parts, each as old as it is", () => {
  const parts = fc.array(fc.record({ amount: fc.nat(1_000), afterMs: fc.nat(100_000) }));
  fc.assert(
    fc.property(parts, fc.nat(100_000), (added, laterMs) => {
      const sum = new Decaying();
      const past: { amount: number; at: number }[] = [];
      let now = 0;
      for (const { amount, afterMs } of added) {
        now += afterMs;
        sum.add(amount, now);
        past.push({ amount, at: now });
      }
      now += laterMs;
      const expected = past.reduce(
        (all, { amount, at }) => all + amount * 2 ** ((at - now) / HALF_LIFE_MS),
        0,
      );
      expect(sum.at(now)).toBeCloseTo(expected, 6);
    }),
  );
});

test("a clock that is set back takes nothing away and adds nothing", () => {
  const sum = new Decaying();
  sum.add(8, 100_000);
  expect(sum.at(40_000)).toBe(8);
  sum.add(1, 40_000);
  expect(sum.at(40_000)).toBe(9);
});
