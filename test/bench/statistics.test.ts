import { expect, test } from "vitest";
import { differences, median, ratios } from "../../bench/measure/statistics.ts";

test("the median is the middle one, or between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
});

test("there is no median of nothing", () => {
  expect(() => median([])).toThrow("of nothing");
});

test("a slow round is slow for both: ratios and differences are taken within each", () => {
  expect(ratios([50, 5, 40], [100, 10, 80])).toEqual([0.5, 0.5, 0.5]);
  expect(differences([3, 13], [2, 12])).toEqual([1, 1]);
});
