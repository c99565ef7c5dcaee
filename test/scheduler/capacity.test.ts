import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byChance, evenly, never, Played } from "./played.ts";

/** The estimates of each second until the list is full, with the time that was really left. */
function estimatesUntilFull(played: Played, play: (each: () => void) => void) {
  const seen: { at: number; estimate: number | null }[] = [];
  play(() => seen.push({ at: played.now, estimate: played.fullInMs }));
  const { fullAt } = played;
  if (fullAt === null) throw new Error("the list never got full");
  return seen.filter(({ at }) => at < fullAt).map(({ at, estimate }) => ({ estimate, truth: fullAt - at }));
}

/** True if an estimate is a tenth away at most; in the last seconds, a second and a half. */
function isClose({ estimate, truth }: { estimate: number | null; truth: number }): boolean {
  return estimate !== null && Math.abs(estimate - truth) <= Math.max(truth / 10, 1_500);
}

/** More requests a second come than the servers answer, by so many that it cannot be chance for long. */
const overload = fc
  .record({ servers: fc.integer({ min: 4, max: 40 }), factor: fc.double({ min: 2, max: 5, noNaN: true }) })
  .map(({ servers, factor }) => ({ servers, comes: servers * factor, surplus: servers * (factor - 1) }));
/** Until then there may be too few of them to tell. */
const TELLS_BY_S = 30;

describe("when the list is full is told", () => {
  test("to a tenth while more come than are served, at rates that stay", () => {
    fc.assert(
      fc.property(overload, fc.integer({ min: 60, max: 300 }), ({ servers, comes, surplus }, fillsInS) => {
        const played = new Played({ servers, max_queue: Math.ceil(fillsInS * surplus) });
        const told = estimatesUntilFull(played, (each) => played.play(fillsInS + 5, evenly(comes), each));
        expect(told.slice(TELLS_BY_S).filter((one) => !isClose(one))).toEqual([]);
        expect(told.filter((one) => one.estimate !== null && !isClose(one))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test("to a tenth in a drain, which nothing leaves but by chance", () => {
    const rate = fc.double({ min: 1, max: 30, noNaN: true });
    fc.assert(
      fc.property(rate, fc.integer({ min: 60, max: 300 }), (comes, fillsInS) => {
        const played = new Played({ servers: 4, max_queue: Math.ceil(fillsInS * comes) });
        played.drain();
        const told = estimatesUntilFull(played, (each) => played.play(fillsInS + 5, evenly(comes), each));
        expect(told.slice(TELLS_BY_S).filter((one) => !isClose(one))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test("at once in a drain, by what came before it began", () => {
    const played = new Played({ servers: 20, max_queue: 500 });
    played.play(60, evenly(10));
    expect(played.fullInMs).toBeNull();
    played.drain();
    expect(played.fullInMs).toBe(50_000);
  });

  test("within seconds once the servers cannot keep up any more", () => {
    const played = new Played({ servers: 20, max_queue: 1_000 });
    played.play(300, evenly(10));
    played.play(6, evenly(40));
    // 20 a second more than are served, of which some wait already.
    expect(played.fullInMs).toBeGreaterThan(40_000);
    expect(played.fullInMs).toBeLessThan(55_000);
  });

  test("steadily: from one second to the next it only goes down, by about a second", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const played = new Played({ servers: 10, max_queue: 3_000 });
      played.play(120, byChance(20, seed));
      let before = played.fullInMs;
      played.play(100, byChance(20, seed + 100), () => {
        const now = played.fullInMs;
        expect(Math.abs((now ?? 0) - ((before ?? 0) - 1_000))).toBeLessThan((before ?? 0) / 20);
        before = now;
      });
    }
  });

  test("as 0 when the next request is refused", () => {
    const played = new Played({ max_queue: 3 });
    played.arrive(4);
    expect(played.fullInMs).toBe(0);
    played.arrive();
    expect(played.refusedAt).toEqual({ "queue-full": 0 });
    const none = new Played({ max_queue: 0 });
    expect(none.fullInMs).toBeNull();
    none.arrive();
    expect(none.fullInMs).toBe(0);
  });

  test("of direct requests only: no others are limited", () => {
    const played = new Played({ max_queue: 2, deferred: { max: 100 } });
    played.arrive();
    for (const id of ["d1", "d2", "d3", "d4"]) played.scheduler.enter({ id, expiresAt: 3_600_000 }, 0);
    expect([played.scheduler.queued, played.fullInMs]).toEqual([4, null]);
    played.arrive(2);
    expect(played.fullInMs).toBe(0);
  });
});

describe("nothing is told of when the list is full", () => {
  test("while as many are served as come", () => {
    const rates = fc.record({ servers: fc.integer({ min: 1, max: 40 }), queued: fc.nat(100) });
    fc.assert(
      fc.property(rates, ({ servers, queued }) => {
        const played = new Played({ servers, max_queue: 200 });
        played.arrive(queued);
        played.play(10, evenly(servers));
        played.play(300, evenly(servers), () => expect(played.fullInMs).toBeNull());
      }),
      { numRuns: 15 },
    );
  });

  test("while as many are served as come by chance", () => {
    for (const seed of [1, 2, 3]) {
      const played = new Played({ servers: 10, max_queue: 1_000 });
      played.play(1_800, byChance(9.9, seed), () => expect(played.fullInMs).toBeNull());
    }
  });

  test("after a burst that stopped, be it ever so high, in a drain or not", () => {
    const burst = fc.record({
      count: fc.integer({ min: 2, max: 800 }),
      drains: fc.boolean(),
      quietS: fc.nat(100),
    });
    fc.assert(
      fc.property(burst, ({ count, drains, quietS }) => {
        const played = new Played({ max_queue: 1_000 });
        played.play(quietS, never);
        if (drains) played.drain();
        played.arrive(count);
        played.play(120, never, () => expect(played.fullInMs).toBeNull());
      }),
      { numRuns: 25 },
    );
  });

  test("within seconds after steady traffic has stopped", () => {
    const traffic = fc.record({
      comes: fc.integer({ min: 2, max: 50 }),
      forS: fc.integer({ min: 5, max: 120 }),
    });
    fc.assert(
      fc.property(traffic, ({ comes, forS }) => {
        const played = new Played({ max_queue: 10_000, queue_timeout: "1h" });
        played.play(forS, evenly(comes));
        played.play(6, never);
        played.play(120, never, () => expect(played.fullInMs).toBeNull());
      }),
      { numRuns: 25 },
    );
  });

  test("by two requests, or a few", () => {
    const played = new Played({ max_queue: 10 });
    played.drain();
    played.play(120, never);
    played.play(30, evenly(0.25), () => expect(played.fullInMs).toBeNull());
  });

  test("right after a resume: that nothing was granted in the drain says nothing", () => {
    const played = new Played({ servers: 5, max_queue: 1_000 });
    played.drain();
    played.play(60, evenly(10));
    expect(played.fullInMs).not.toBeNull();
    played.resume();
    played.play(4, evenly(10), () => expect(played.fullInMs).toBeNull());
    played.play(4, evenly(10));
    // It grows by five a second from 620 on.
    expect(Math.abs((played.fullInMs ?? 0) - 76_000)).toBeLessThan(5_000);
  });

  test("right after a drain has begun in which requests are stored that were not before", () => {
    const deferred = { when: "drained", max: 1_000 };
    const played = new Played({ servers: 20, max_queue: 500, deferred });
    played.play(60, evenly(10));
    played.drain();
    for (let second = 0; second < 30; second++) {
      expect(played.fullInMs).toBeNull();
      played.scheduler.enter({ id: `d${second}`, expiresAt: 3_600_000 }, played.now);
      played.play(1, never);
    }
    played.resume();
    played.play(4, evenly(10), () => expect(played.fullInMs).toBeNull());
  });

  test("by an instance that has only just begun", () => {
    const played = new Played({ max_queue: 1_000 });
    played.drain();
    played.play(4, evenly(100), () => expect(played.fullInMs).toBeNull());
    played.play(1, evenly(100));
    expect(played.fullInMs).not.toBeNull();
  });

  test("where requests time out before, so that it may never be full", () => {
    const played = new Played({ max_queue: 1_000, queue_timeout: "30s" });
    played.drain();
    // 600 wait at most.
    played.play(300, evenly(20), () => expect(played.fullInMs).toBeNull());
    expect(Object.keys(played.refusedAt)).toEqual(["queue-timeout"]);
  });

  test("where clients leave as fast as others come", () => {
    const played = new Played({ max_queue: 100 });
    played.drain();
    const waiting: string[] = [];
    for (let second = 0; second < 60; second++) {
      played.play(1, never);
      for (let n = 0; n < 5; n++) {
        const id = `${second} ${n}`;
        played.scheduler.enter({ id }, played.now);
        waiting.push(id);
      }
      // Nobody waits for longer than 10 s.
      if (waiting.length > 50) for (const id of waiting.splice(0, 5)) played.scheduler.leave(id, played.now);
      if (second > 30) expect(played.fullInMs).toBeNull();
    }
    expect(played.refusedAt).toEqual({});
  });
});

describe("the time that is left of a drain", () => {
  const leftOf = ({ scheduler, now }: Played) => scheduler.capacity(now).timeLeft;

  test("is none while there is no drain", () => {
    const played = new Played({});
    played.arrive(5);
    expect(leftOf(played)).toBeNull();
  });

  test("ends when the oldest request times out, exactly", () => {
    const played = new Played({ queue_timeout: "4m" });
    played.play(1, never);
    played.drain();
    played.arrive();
    played.play(10, never);
    expect(leftOf(played)).toEqual({ ms: 230_000, until: "queue-timeout" });
    played.play(240, never);
    expect(played.refusedAt["queue-timeout"]).toBe(241_000);
  });

  test("is as long as whoever comes now may wait, while nobody does", () => {
    const played = new Played({ queue_timeout: "4m" });
    played.drain();
    played.play(60, never);
    expect(leftOf(played)).toEqual({ ms: 240_000, until: "queue-timeout" });
    expect(played.scheduler.capacity(played.now).firstTimeoutInMs).toBeNull();
  });

  test("ends with the drain, if that comes first", () => {
    const played = new Played({ queue_timeout: "4m" });
    played.drain(60_000);
    played.arrive();
    played.play(10, never);
    expect(leftOf(played)).toEqual({ ms: 50_000, until: "drain-expiry" });
  });

  test("ends when the list is full, if that comes first", () => {
    const played = new Played({ max_queue: 1_000 });
    played.play(60, evenly(0.9));
    played.drain();
    played.play(30, evenly(20));
    expect(leftOf(played)).toMatchObject({ until: "queue-full" });
    expect(leftOf(played)?.ms).toBe(played.fullInMs);
    played.play(30, evenly(20));
    expect(leftOf(played)).toEqual({ ms: 0, until: "queue-full" });
  });

  test("counts on nobody who is stored: such a request waits longer", () => {
    const played = new Played({ queue_timeout: "4m", deferred: { max: 10 } });
    played.drain();
    played.scheduler.enter({ id: "d1", expiresAt: 30_000 }, 0);
    expect(leftOf(played)).toEqual({ ms: 240_000, until: "queue-timeout" });
  });
});

describe("the time that is left while no server takes requests", () => {
  const leftOf = ({ scheduler, now }: Played) => scheduler.capacity(now).timeLeft;
  const takeOut = ({ scheduler, now }: Played, state: "ready" | "drain" | "maint") =>
    scheduler.changeServer("s0", { state }, "me", now);

  test("ends when the oldest request times out, and is none once a server takes requests", () => {
    const played = new Played({ queue_timeout: "4m" });
    takeOut(played, "maint");
    played.arrive();
    played.play(10, never);
    expect(leftOf(played)).toEqual({ ms: 230_000, until: "queue-timeout" });
    takeOut(played, "ready");
    expect(leftOf(played)).toBeNull();
  });

  test("is as long as whoever comes now may wait, while nobody does", () => {
    const played = new Played({ queue_timeout: "4m" });
    takeOut(played, "drain");
    expect(leftOf(played)).toEqual({ ms: 240_000, until: "queue-timeout" });
  });

  test("ends when the list is full, if that comes first, at once by what came before", () => {
    const played = new Played({ servers: 1, max_queue: 50, serviceMs: 100 });
    played.play(60, evenly(5));
    expect(played.fullInMs).toBeNull();
    takeOut(played, "maint");
    expect(leftOf(played)).toEqual({ ms: 10_000, until: "queue-full" });
  });

  test("is none where requests are refused instead of held", () => {
    const played = new Played({ when_down: "refuse" });
    takeOut(played, "maint");
    expect(leftOf(played)).toBeNull();
  });
});

test("the first timeout is that of who has waited longest, be there a drain or not", () => {
  const played = new Played({ queue_timeout: "1m" });
  const first = () => played.scheduler.capacity(played.now).firstTimeoutInMs;
  expect(first()).toBeNull();
  played.arrive();
  expect(first()).toBeNull();
  played.arrive();
  played.play(0.5, never);
  expect(first()).toBe(59_000);
});
