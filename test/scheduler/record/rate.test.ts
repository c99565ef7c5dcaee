import { describe, expect, test } from "vitest";
import { RateRecord } from "../../../src/scheduler/record/rate.ts";
import { byChance, evenly, type Gaps } from "../played.ts";

const HOUR = 3_600_000;
/** Within a second, as the clock is read. */
const T0 = Date.parse("2026-11-21T09:00:00.400Z");

class Counted {
  readonly record = new RateRecord(T0);
  now = T0;

  /** Counts for so many seconds; `each`: to be called at the end of each. */
  for(seconds: number, gaps?: Gaps, each: () => void = () => {}): this {
    let next = gaps ? this.now + gaps() : Number.POSITIVE_INFINITY;
    for (let n = 0; n < seconds; n++) {
      this.now += 1_000;
      for (; next < this.now; next += gaps?.() ?? Number.POSITIVE_INFINITY) this.record.count(next);
      each();
    }
    return this;
  }

  get perSecond(): number | null {
    return this.record.read(this.now)?.perSecond ?? null;
  }
}

describe("a rate", () => {
  test("is not known before four whole seconds have passed, and then is, also if nothing was counted", () => {
    const counted = new Counted();
    counted.for(4, evenly(10), () => expect(counted.perSecond).toBeNull());
    expect(counted.for(1, evenly(10)).perSecond).toBeCloseTo(10, 0);
    expect(new Counted().for(5).perSecond).toBe(0);
  });

  test.each([0.3, 1, 7, 250])("that stays is told as it is: %d/s", (perSecond) => {
    const counted = new Counted().for(300, evenly(perSecond));
    counted.for(100, evenly(perSecond), () =>
      expect(Math.abs((counted.perSecond ?? 0) / perSecond - 1)).toBeLessThan(0.02),
    );
  });

  test("is not known, rather than that of before, once the clock is set back; and then is, as soon as ever", () => {
    const counted = new Counted().for(100, evenly(10));
    counted.now -= HOUR;
    expect(counted.perSecond).toBeNull();
    expect(counted.for(5, evenly(2)).perSecond).toBeCloseTo(2, 0);
  });

  test("stays where the clock goes back by no more than a second", () => {
    const counted = new Counted().for(100, evenly(10));
    counted.now -= 1_000;
    expect(counted.perSecond).toBeCloseTo(10, 0);
  });

  test("of what comes by chance does not jump from one second to the next", () => {
    const counted = new Counted().for(300, byChance(10, 7));
    let before = counted.perSecond ?? 0;
    counted.for(1_800, byChance(10, 8), () => {
      const now = counted.perSecond ?? 0;
      expect(Math.abs(now / before - 1)).toBeLessThan(0.1);
      before = now;
    });
  });

  test("says how far chance may have led it away", () => {
    const { record, now } = new Counted().for(300, evenly(10));
    expect(record.read(now)?.variance).toBeCloseTo(10 / 240, 3);
  });

  test.each([
    [10, 20],
    [10, 3],
    [200, 150],
    [0.5, 10],
  ])("that changes from %d/s to %d/s is the new one within ten seconds", (before, after) => {
    const counted = new Counted().for(300, evenly(before));
    counted.for(10, evenly(after));
    counted.for(60, evenly(after), () =>
      expect(Math.abs((counted.perSecond ?? 0) / after - 1)).toBeLessThan(0.1),
    );
  });

  test("is zero as soon as ten times as much time has passed as from one to the next", () => {
    const counted = new Counted().for(300, evenly(2));
    expect(counted.for(3).perSecond).toBeGreaterThan(1.9);
    expect(counted.for(4).perSecond).toBe(0);
    counted.for(600, undefined, () => expect(counted.perSecond).toBe(0));
  });

  test("of what comes in bursts is their mean, and as unsure as they are rare", () => {
    const bursts = () => {
      let left = 0;
      return () => (left++ % 100 === 0 ? 30_000 : 0);
    };
    const counted = new Counted().for(300, bursts());
    counted.for(120, bursts());
    const { perSecond, variance } = counted.record.read(counted.now) ?? { perSecond: 0, variance: 0 };
    expect(perSecond).toBeGreaterThan(2);
    expect(perSecond).toBeLessThan(4.5);
    expect(Math.sqrt(variance)).toBeGreaterThan(perSecond / 4);
  });

  test("of what comes once a second, all at a time, does not stop in between", () => {
    const counted = new Counted();
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 50; n++) counted.record.count(counted.now + 100);
      counted.for(1);
      if (second > 5) expect(counted.perSecond).toBe(50);
    }
  });

  test("that is to be forgotten is not known until four whole seconds have passed since", () => {
    const counted = new Counted().for(60, evenly(10));
    counted.record.forget(counted.now);
    counted.for(4, evenly(1), () => expect(counted.perSecond).toBeNull());
    expect(counted.for(1, evenly(1)).perSecond).toBeLessThan(2);
  });

  test("has nothing left of what was before a long sleep", () => {
    const counted = new Counted().for(60, evenly(10));
    counted.now += 24 * HOUR;
    expect(counted.perSecond).toBe(0);
  });

  test("says from when on it stays what it is, if nothing more is counted", () => {
    const fresh = new Counted();
    expect(fresh.record.settlesAt - T0).toBeLessThanOrEqual(5_000);
    const counted = new Counted().for(60, evenly(3));
    counted.for(30, evenly(0.4));
    const { settlesAt } = counted.record;
    counted.now = settlesAt;
    const settled = counted.perSecond;
    counted.for(3_600, undefined, () => expect(counted.perSecond).toBe(settled));
    expect(settlesAt - counted.now).toBeLessThan(300_000);
  });
});
