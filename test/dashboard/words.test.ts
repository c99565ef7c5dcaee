import { expect, test } from "vitest";
import {
  clockTime,
  counted,
  duration,
  durationOf,
  listed,
  roughly,
  whole,
} from "../../src/dashboard/page/words.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each([
  [-5, "0 ms"],
  [320.4, "320 ms"],
  [1_240, "1.2 s"],
  [9_949, "9.9 s"],
  [9_999, "9 s"],
  [59_999, "59 s"],
  [MINUTE, "1 min"],
  [3 * MINUTE + 5_000, "3 min 5 s"],
  [2 * HOUR + 10 * MINUTE + 59_000, "2 h 10 min"],
  [73 * HOUR, "3 days"],
])("%d ms are said as %j", (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test.each([
  ["250ms", 250],
  ["1.5s", 1_500],
  ["15m", 15 * MINUTE],
  ["2h", 2 * HOUR],
  ["15", null],
  ["soon", null],
  ["15 m", null],
  ["-1m", null],
  ["", null],
])("%j is a time of %j ms, as the API has it", (text, ms) => {
  expect(durationOf(text)).toBe(ms);
});

test("what is counted by the second says no parts of it", () => {
  expect([whole(0), whole(1_999), whole(90_000)]).toEqual(["0 s", "1 s", "1 min 30 s"]);
});

test("where there is little room one unit has to do", () => {
  expect([roughly(4_200), roughly(90_000), roughly(5 * HOUR)]).toEqual(["4 s", "1 min", "5 h"]);
});

test("a time of another day has its day", () => {
  const now = new Date(2026, 10, 21, 9, 30).getTime();
  expect(clockTime(now - 1_000, now)).toBe("09:29:59");
  expect(clockTime(new Date(2026, 10, 21).getTime(), now)).toBe("00:00:00");
  expect(clockTime(new Date(2026, 10, 20, 23, 59, 59).getTime(), now)).toBe("20 Nov, 23:59:59");
});

test("one is not many", () => {
  expect([counted(0, "slot"), counted(1, "slot"), counted(1_200, "slot")]).toEqual([
    "0 slots",
    "1 slot",
    "1,200 slots",
  ]);
});

test("a long list of names says how many it leaves out", () => {
  expect(listed(["a"])).toBe("a");
  expect(listed(["a", "b", "c", "d"])).toBe("a, b, c and d");
  expect(listed(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
});
