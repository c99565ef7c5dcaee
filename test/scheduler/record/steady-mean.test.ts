import { expect, test } from "vitest";
import { SteadyMean } from "../../../src/scheduler/record/steady-mean.ts";
import { exponential, seeded } from "../crowd.ts";

function of(values: Iterable<number>): SteadyMean {
  const mean = new SteadyMean();
  for (const value of values) mean.note(value);
  return mean;
}

const chance = (count: number, meanMs: number, seed = 1) => {
  const random = seeded(seed);
  return Array.from({ length: count }, () => exponential(meanMs, random));
};

test("nothing is known of nothing, and little of a single value", () => {
  expect(new SteadyMean().atMost).toBeNull();
  expect(of([100]).atMost).toBe(200);
});

test("what does not vary is its own mean", () => {
  expect(of([100, 100, 100]).atMost).toBeCloseTo(100, 6);
});

test("what varies is close to its mean and seldom below it: one time in six", () => {
  const seen = Array.from({ length: 200 }, (_, seed) => of(chance(1_000, 100, seed + 1)).atMost as number);
  expect(Math.max(...seen)).toBeLessThan(125);
  expect(seen.filter((mean) => mean < 100).length).toBeLessThan(0.25 * seen.length);
});

test("a change is followed within some hundred values", () => {
  expect(of([...chance(1_000, 100), ...chance(1_000, 300)]).atMost).toBeGreaterThan(270);
});
