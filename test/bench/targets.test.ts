import { expect, test } from "vitest";
import type { Row } from "../../bench/rows.ts";
import {
  behindTarget,
  differenceTarget,
  medianTarget,
  neverTarget,
  ratioTarget,
} from "../../bench/targets.ts";

const row = (cells: Row["cells"]): Row => ({ scenario: "throughput", name: "requests", unit: "/s", cells });

test("a ratio is the median of the rounds' own ratios", () => {
  const one = row({ sluice: [40, 4, 500], "pass-through": [100, 10, 1000] });
  ratioTarget(one, "pass-through", { least: 0.4 });
  expect(one.targets).toEqual([
    expect.objectContaining({ met: true, found: expect.stringContaining("0.40") }),
  ]);
});

test("what is not reached is said, with what was found", () => {
  const one = row({ sluice: [3], "pass-through": [2] });
  differenceTarget(one, "pass-through", { most: 0.7 });
  expect(one.targets?.[0]).toMatchObject({ met: false, found: expect.stringContaining("1.00 /s over") });
});

test("what is behind another one is so in shares of a third one's value, round by round", () => {
  const one = row({ sluice: [80, 16, 400], "pass-on": [90, 18, 500], haproxy: [100, 20, 500] });
  behindTarget(one, "pass-on", "haproxy", 0.05);
  expect(one.targets?.[0]).toMatchObject({ met: false, found: "0.10 of HAProxy below lease passed on" });
  const ahead = row({ sluice: [90], "pass-on": [80], haproxy: [100] });
  behindTarget(ahead, "pass-on", "haproxy", 0.05);
  expect(ahead.targets?.[0]?.met).toBe(true);
  const alone = row({ sluice: [90], haproxy: [100] });
  behindTarget(alone, "pass-on", "haproxy", 0.05);
  expect(alone.targets?.[0]).toMatchObject({ met: null, found: "lease passed on was not measured" });
});

test("against who was not measured nothing is told, neither yes nor no", () => {
  const one = row({ sluice: [3] });
  ratioTarget(one, "haproxy", { least: 0.96 });
  expect(one.targets?.[0]).toMatchObject({ met: null, found: "HAProxy was not measured" });
});

test("what must never happen must not happen in any round", () => {
  const one = row({ sluice: [0, 0, 1, 0, 0] });
  neverTarget(one);
  expect(one.targets?.[0]).toMatchObject({ met: false, found: "1" });
});

test("a median is enough where a bound is for the median", () => {
  const one = row({ sluice: [2_000_000, 900_000, 1_100_000] });
  medianTarget(one, { least: 1_000_000 });
  expect(one.targets?.[0]?.met).toBe(true);
});
