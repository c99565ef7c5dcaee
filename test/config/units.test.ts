import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationText, parseDuration, parseSize } from "../../src/config/units.ts";

describe("a duration", () => {
  test.each([
    ["0s", 0],
    ["250ms", 250],
    ["2s", 2_000],
    ["1.5s", 1_500],
    ["10m", 600_000],
    ["1h", 3_600_000],
    ["24h", 86_400_000],
  ])("reads %s as %i milliseconds", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    "",
    "1",
    "s",
    "1 s",
    " 1s",
    "1s\n",
    "-1s",
    "+1s",
    "1.s",
    ".5s",
    "1e3ms",
    "1S",
    "1d",
    "1 fortnight",
  ])("does not read %j", (text) => expect(parseDuration(text)).toBeUndefined());

  test.each(["24.1h", "86400001ms", `${"9".repeat(400)}ms`])("is at most 24 hours: not %s", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("is whole milliseconds, as timers are", () => {
    expect(parseDuration("1.1h")).toBe(3_960_000);
    expect(parseDuration("0.6ms")).toBe(1);
  });

  test("means the same in every unit that it can be written in", () => {
    fc.assert(
      fc.property(fc.nat(86_400_000), (ms) => {
        expect(parseDuration(`${ms}ms`)).toBe(ms);
        expect(parseDuration(`${ms / 1_000}s`)).toBe(ms);
        expect(parseDuration(`${ms / 60_000}m`)).toBe(ms);
      }),
    );
  });
});

describe("a size", () => {
  test.each([
    ["0B", 0],
    ["512B", 512],
    ["64KiB", 65_536],
    ["1MiB", 1_048_576],
    ["1.5MiB", 1_572_864],
  ])("reads %s as %i bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "1", "64KB", "64kib", "1M", "1 MiB", "-1B", `${"9".repeat(20)}B`])(
    "does not read %j",
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  test("means the same in every unit that it can be written in", () => {
    fc.assert(
      fc.property(fc.nat(1 << 30), (bytes) => {
        expect(parseSize(`${bytes}B`)).toBe(bytes);
        expect(parseSize(`${bytes / 1_024}KiB`)).toBe(bytes);
      }),
    );
  });
});

test("a unit that every object inherits is no unit", () => {
  expect(parseDuration("1constructor")).toBeUndefined();
  expect(parseSize("1toString")).toBeUndefined();
});

test.each([
  [0, "0ms"],
  [250, "250ms"],
  [1_500, "1500ms"],
  [90_000, "90s"],
  [600_000, "10m"],
  [86_400_000, "24h"],
])("%i milliseconds are %s in short, which reads as the same", (ms, text) => {
  expect([durationText(ms), parseDuration(text)]).toEqual([text, ms]);
});
