import { describe, expect, test } from "vitest";
import { snapshotOf } from "../../../src/scheduler/snapshot.ts";
import { evenly, never, Played } from "../played.ts";

const seen = ({ scheduler, now }: Played) => snapshotOf("web", scheduler, now);

/** Arrivals and grants a second. */
const ratesOf = (played: Played) => {
  const { arrivalsPerSecond, grantsPerSecond } = seen(played);
  return [arrivalsPerSecond, grantsPerSecond].map((rate) => rate && Math.round(rate));
};

describe("a pool tells how many requests a second", () => {
  test("come, and get a slot", () => {
    const played = new Played({ servers: 5 });
    played.play(60, evenly(8));
    expect(ratesOf(played)).toEqual([8, 5]);
  });

  test("come, those included that a full list refuses", () => {
    const played = new Played({ servers: 5, max_queue: 10 });
    played.play(60, evenly(20));
    expect(ratesOf(played)).toEqual([20, 5]);
  });

  test("come in a drain, in which none gets a slot", () => {
    const played = new Played({ servers: 5 });
    played.play(60, evenly(3));
    played.drain();
    played.play(20, evenly(3));
    expect(ratesOf(played)).toEqual([3, 0]);
  });

  test("are stored, among the others", () => {
    const played = new Played({ servers: 5, deferred: { max: 1_000 } });
    for (let n = 0; n < 60; n++) {
      played.scheduler.enter({ id: `d${n}`, expiresAt: 3_600_000 }, played.now);
      played.play(1, evenly(2.5));
    }
    expect(ratesOf(played)[0]).toBe(3);
  });

  test("come no more, seconds after the last one", () => {
    const played = new Played({ servers: 5 });
    played.play(60, evenly(4));
    played.play(5, never);
    expect(ratesOf(played)).toEqual([0, 0]);
  });

  test("come for the first time: a further attempt, or a return after a restart, is no arrival", () => {
    const played = new Played({ servers: 1 });
    for (let second = 0; second < 60; second++) {
      played.play(1, never);
      const retry = { server: "s0", restMs: 0, avoid: false };
      played.scheduler.enter({ id: `r${second}`, token: second, retry }, played.now);
      played.scheduler.enter({ id: `t${second}`, token: second }, played.now);
    }
    expect(ratesOf(played)[0]).toBe(0);
  });

  test("leave nothing to be said of those that an earlier instance has seen", () => {
    const played = new Played({});
    const { arrivalsPerSecond, grantsPerSecond, waitMs, serviceMs } = seen(played);
    expect([arrivalsPerSecond, grantsPerSecond, waitMs, serviceMs]).toEqual([null, null, null, null]);
  });
});

describe("a pool tells how long requests", () => {
  test("have waited for their first slot, and were at their server", () => {
    const played = new Played({ serviceMs: 20 });
    played.arrive(3);
    played.play(1, never);
    expect(seen(played)).toMatchObject({
      waitMs: { p50: 20, p95: expect.closeTo(40, -1), p99: expect.closeTo(40, -1) },
      serviceMs: { p50: 20, p95: 20, p99: 20 },
    });
  });

  test("have waited, those excepted that are stored: nobody waits with them", () => {
    const played = new Played({ serviceMs: 20, deferred: { max: 10 } });
    played.drain();
    played.scheduler.enter({ id: "d1", expiresAt: 3_600_000 }, 0);
    played.play(60, never);
    played.resume();
    played.play(1, never);
    expect(seen(played)).toMatchObject({ waitMs: null, serviceMs: { p50: 20 } });
  });

  test("were at a server that answered, not those that were cut off", () => {
    const played = new Played({});
    played.arrive();
    played.scheduler.end("t0", { how: "client" }, 500);
    expect(seen(played).serviceMs).toBeNull();
  });
});
