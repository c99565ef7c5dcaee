import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PercentileRecord } from "../../../src/scheduler/record/percentiles.ts";

const MINUTE = 60_000;
const T0 = Date.parse("2026-11-21T09:00:20.000Z");

function recordOf(times: readonly number[]): PercentileRecord {
  const record = new PercentileRecord(T0);
  for (const ms of times) record.note(ms, T0);
  return record;
}

/** The time that so many per cent are no longer than, counted. */
function exactly(times: readonly number[], percent: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * times.length) - 1] as number;
}

describe("percentiles", () => {
  test("of nothing are not told", () => {
    expect(new PercentileRecord(T0).read(T0)).toBeNull();
  });

  test("of a single time are that", () => {
    expect(recordOf([17]).read(T0)).toEqual({ p50: 17, p95: 17, p99: 17 });
  });

  test("are exact to the millisecond up to 31 ms", () => {
    const times = Array.from({ length: 32 }, (_, ms) => ms);
    expect(recordOf(times).read(T0)).toEqual({ p50: 15, p95: 30, p99: 31 });
  });

  test("of any times are at most a thirtieth away from the exact ones", () => {
    const time = fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(86_400_000));
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 300 }), (times) => {
        const { p50, p95, p99 } = recordOf(times).read(T0) ?? { p50: -1, p95: -1, p99: -1 };
        for (const [percentile, percent] of [
          [p50, 50],
          [p95, 95],
          [p99, 99],
        ] as const) {
          const exact = exactly(times, percent);
          expect(Math.abs(percentile - exact)).toBeLessThanOrEqual(exact / 30);
        }
      }),
    );
  });

  test("take a time that no clock can have measured for the nearest that one can", () => {
    expect(recordOf([-5]).read(T0)?.p50).toBe(0);
    expect(recordOf([1e15]).read(T0)?.p50).toBeGreaterThan(24 * 60 * MINUTE);
  });

  test("are of the last ten minutes, and of none before", () => {
    const record = recordOf([5_000]);
    record.note(10, T0 + 4 * MINUTE);
    expect(record.read(T0 + 9 * MINUTE)).toMatchObject({ p50: 10, p99: expect.closeTo(5_000, -3) });
    expect(record.read(T0 + 10 * MINUTE)).toEqual({ p50: 10, p95: 10, p99: 10 });
    expect(record.read(T0 + 14 * MINUTE)).toBeNull();
    expect(record.read(T0 + 24 * 60 * MINUTE)).toBeNull();
  });

  test("say from when on they stay what they are, if nothing more is noted", () => {
    const record = recordOf([5]);
    expect(record.read(record.settlesAt)).toBeNull();
    expect(record.settlesAt).toBeLessThanOrEqual(T0 + 10 * MINUTE);
  });

  test("survive a clock that is set back", () => {
    const record = recordOf([5]);
    record.note(7, T0 - 5 * MINUTE);
    expect(record.read(T0)).toEqual({ p50: 5, p95: 7, p99: 7 });
  });
});
