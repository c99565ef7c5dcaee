import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  clock,
  clockInWords,
  compactDuration,
  duration,
  fineDuration,
  oneUnit,
  roughly,
  wholeSeconds,
} from "../../src/words/times.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each([
  [-5, "0.0 s"],
  [0, "0.0 s"],
  [49, "0.0 s"],
  [50, "0.1 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [59_499, "59 s"],
  [59_500, "1 min"],
  [65_000, "1 min 5 s"],
  [600_000, "10 min"],
  [3_599_499, "59 min 59 s"],
  [3_599_500, "1 h"],
  [7_800_000, "2 h 10 min"],
  [90_000_000, "25 h"],
  [73 * HOUR, "3 days"],
])("%d ms reads %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test.each([
  [-5, "0 ms"],
  [320.4, "320 ms"],
  [1_240, "1.2 s"],
  [9_949, "9.9 s"],
  [9_999, "10 s"],
  [59_999, "1 min"],
  [MINUTE, "1 min"],
  [3 * MINUTE + 5_000, "3 min 5 s"],
  [2 * HOUR + 10 * MINUTE + 59_000, "2 h 10 min"],
  [73 * HOUR, "3 days"],
])("where milliseconds matter, %d ms reads %s", (ms, words) => {
  expect(fineDuration(ms)).toBe(words);
});

test("a display of whole seconds has no parts of a second", () => {
  expect([wholeSeconds(0), wholeSeconds(1_999), wholeSeconds(90_000)]).toEqual(["0 s", "1 s", "1 min 30 s"]);
});

test("where there is little room, a single unit has to do", () => {
  const words = [4_200, 90_000, 5 * HOUR, 48 * HOUR - 1, 73 * HOUR].map(oneUnit);
  expect(words).toEqual(["4 s", "1 min", "5 h", "47 h", "3 days"]);
});

describe("an instant", () => {
  test("reads as the time of day here, midnight as 00, and on another day with its day", () => {
    const now = new Date(2026, 10, 21, 12).getTime();
    expect(clock(new Date(2026, 10, 21, 0, 3, 20).getTime(), now)).toBe("00:03:20");
    expect(clock(new Date(2026, 10, 21, 14, 3, 20).toISOString(), now)).toBe("14:03:20");
    expect(clock(new Date(2026, 10, 22, 0, 3, 20).getTime(), now)).toBe("2026-11-22 00:03:20");
    expect(clock(new Date(2027, 0, 1, 9, 0, 0).getTime(), now)).toBe("2027-01-01 09:00:00");
  });

  test("reads the same in words, with the day as people say it", () => {
    const now = new Date(2026, 10, 21, 9, 30).getTime();
    expect(clockInWords(now - 1_000, now)).toBe("09:29:59");
    expect(clockInWords(new Date(2026, 10, 21).getTime(), now)).toBe("00:00:00");
    expect(clockInWords(new Date(2026, 10, 20, 23, 59, 59).getTime(), now)).toBe("20 Nov, 23:59:59");
  });

  test.each([
    ["America/New_York", "2026-11-01T04:30:00Z", "2026-11-02T04:30:00Z", "00:30:00"],
    ["America/New_York", "2026-11-01T03:30:00Z", "2026-11-02T04:30:00Z", "2026-10-31 23:30:00"],
    ["America/New_York", "2026-03-08T05:30:00Z", "2026-03-09T03:30:00Z", "00:30:00"],
    ["Pacific/Kiritimati", "2026-11-21T10:00:00Z", "2026-11-22T09:59:59Z", "00:00:00"],
    ["Pacific/Kiritimati", "2026-11-21T09:59:59Z", "2026-11-21T10:00:00Z", "2026-11-21 23:59:59"],
    ["America/St_Johns", "2026-11-21T03:30:00Z", "2026-11-21T03:29:59Z", "2026-11-21 00:00:00"],
  ])(
    "in %s, %s seen at %s, has the day of the calendar on the wall there, however long that is",
    (zone, at, now, words) => {
      vi.stubEnv("TZ", zone);
      onTestFinished(() => void vi.unstubAllEnvs());
      expect(clock(at, Date.parse(now))).toBe(words);
    },
  );
});

test.each([
  [0, "0 ms"],
  [204.4, "204 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [9_949, "9.9 s"],
  [65_000, "65 s"],
  [99_499, "99 s"],
  [228_000, "3.8 min"],
  [5_960_000, "99 min"],
  [7_200_000, "2.0 h"],
  [86_400_000, "24 h"],
])("%d ms in one unit: %s", (ms, words) => {
  expect(compactDuration(ms)).toBe(words);
});

test.each([
  [10, "1 s"],
  [8_400, "8 s"],
  [42_000, "40 s"],
  [58_000, "1 min"],
  [254_000, "4 min 10 s"],
  [1_519_000, "25 min"],
  [5_430_000, "1 h 31 min"],
])("an estimate of %d ms: %s", (ms, words) => {
  expect(roughly(ms)).toBe(words);
});
