import { expect, onTestFinished, test, vi } from "vitest";
import { clock, duration } from "../../../src/cli/terminal/durations.ts";

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
])("%d ms reads %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test("an instant is shown as the time of day here, midnight as 00", () => {
  const now = new Date(2026, 10, 21, 12).getTime();
  expect(clock(new Date(2026, 10, 21, 0, 3, 20).getTime(), now)).toBe("00:03:20");
  expect(clock(new Date(2026, 10, 21, 14, 3, 20).toISOString(), now)).toBe("14:03:20");
  expect(clock(new Date(2026, 10, 22, 0, 3, 20).getTime(), now)).toBe("2026-11-22 00:03:20");
  expect(clock(new Date(2027, 0, 1, 9, 0, 0).getTime(), now)).toBe("2027-01-01 09:00:00");
});

test.each([
  ["America/New_York", "2026-11-01T04:30:00Z", "2026-11-02T04:30:00Z", "00:30:00"],
  ["America/New_York", "2026-11-01T03:30:00Z", "2026-11-02T04:30:00Z", "2026-10-31 23:30:00"],
  ["America/New_York", "2026-03-08T05:30:00Z", "2026-03-09T03:30:00Z", "00:30:00"],
  ["Pacific/Kiritimati", "2026-11-21T10:00:00Z", "2026-11-22T09:59:59Z", "00:00:00"],
  ["Pacific/Kiritimati", "2026-11-21T09:59:59Z", "2026-11-21T10:00:00Z", "2026-11-21 23:59:59"],
  ["America/St_Johns", "2026-11-21T03:30:00Z", "2026-11-21T03:29:59Z", "2026-11-21 00:00:00"],
])(
  "in %s the day of %s, seen at %s, is the one on the wall there, however long it is",
  (zone, at, now, shown) => {
    vi.stubEnv("TZ", zone);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(clock(at, Date.parse(now))).toBe(shown);
  },
);
