import { describe, expect, test } from "vitest";
import { type Refusal, RetryTimes } from "../../src/scheduler/retry-times.ts";
import type { TicketRequest } from "../../src/scheduler/waiting/ticket.ts";
import { Crowd, exponential, mostInASecond, seeded, servedAtSecondTry } from "./crowd.ts";

const SERVICE_MS = 200;
/** All of the same mean. */
const SERVICES: Record<string, (random: () => number) => number> = {
  "always the same time": () => SERVICE_MS,
  "times by chance": (random) => exponential(SERVICE_MS, random),
  "a short time, but one in ten a long one": (random) => (random() < 0.9 ? 100 : 1_100),
};
const SEEDS = [1, 2, 3];
const SERVERS = 10;
/** What the servers can do, in requests a second. */
const CAPACITY = (SERVERS * 1_000) / SERVICE_MS;

const byChance = SERVICES["times by chance"] as (random: () => number) => number;
const perSecondAt = (percent: number) => (percent / 100) * CAPACITY;
const crowdOf = (keys: Record<string, unknown> = {}, seed = 1, serviceMs = byChance) =>
  new Crowd({ servers: SERVERS, max_queue: 50, ...keys }, serviceMs, seed);

describe("of 200 clients that are refused at once, and come again after exactly the time that they are told,", () => {
  describe.each([60, 80, 95])("while others use %d percent of what the servers can do,", (percent) => {
    test.each(Object.keys(SERVICES))(
      "nine of ten are served at the second try, if requests take %s",
      (kind) => {
        const shares = SEEDS.map((seed) => {
          const crowd = crowdOf({}, 7_919 * seed, SERVICES[kind]);
          crowd.comeSteadily(perSecondAt(percent));
          crowd.play(120);
          const refused = crowd.burst(200);
          crowd.play(400);
          return servedAtSecondTry(refused);
        });
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.9);
      },
    );
  });

  test("none is told to wait much longer than it takes to serve all of them", () => {
    const crowd = crowdOf();
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    const told = crowd.burst(200).map((client) => client.told[0] as number);
    const takesS = 250 / (CAPACITY - perSecondAt(60));
    expect(Math.max(...told)).toBeLessThan(3 * takesS);
  });

  test("those who come as they were told are not taken for more load: the next are told no later for it", () => {
    const crowd = crowdOf();
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    const first = crowd.burst(1_000).map(({ told }) => told[0] as number);
    const lastInS = Math.max(...first);
    crowd.play(lastInS / 2);
    const next = crowd.burst(20).map(({ told }) => told[0] as number);
    expect(Math.max(...next)).toBeLessThan(lastInS);
  });

  test("nine of ten are served at the second try where a second burst comes within the first", () => {
    const crowd = crowdOf();
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    const first = crowd.burst(200);
    crowd.play(3);
    const second = crowd.burst(200);
    crowd.play(400);
    expect(servedAtSecondTry(first)).toBeGreaterThanOrEqual(0.9);
    expect(servedAtSecondTry(second)).toBeGreaterThanOrEqual(0.9);
  });
});

describe("of clients that have waited too long", () => {
  test("nine of ten are served at the second try, as they come when the list is short", () => {
    const crowd = crowdOf({ max_queue: 2_000, queue_timeout: "10s" });
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    for (let n = 0; n < 1_900; n++) crowd.comes();
    crowd.play(700);
    const late = crowd.clients.filter(({ told }) => told.length > 0);
    expect(late.length).toBeGreaterThan(200);
    expect(servedAtSecondTry(late)).toBeGreaterThanOrEqual(0.9);
    // All came in one second, and so many will not come all the time.
    const spare = CAPACITY - perSecondAt(60);
    expect(Math.max(...late.map(({ told }) => told[0] as number))).toBeLessThan((4 * late.length) / spare);
  });

  test("one that would not wait as long is told a later time: when it need not", () => {
    const toldWith = (asks: Partial<TicketRequest>) => {
      const crowd = crowdOf();
      crowd.comeSteadily(perSecondAt(60));
      crowd.play(120);
      crowd.burst(1);
      return crowd.comes(asks).told[0] as number;
    };
    expect(toldWith({ patienceMs: 100 })).toBeGreaterThan(toldWith({}));
  });
});

describe("a client with more requests than its flow may have waiting", () => {
  test.each([10, 20, 30])(
    "has nine of ten of the others served at the second try, while three others use %d percent each of what the servers can do",
    (percent) => {
      const flow = { flow: "header:x-api-key", max_queue_per_flow: 20, max_queue: 1_000 };
      const crowd = crowdOf(flow);
      for (const other of ["b", "c", "d"]) crowd.comeSteadily(perSecondAt(percent), { flow: other });
      crowd.play(120);
      const asked = Array.from({ length: 100 }, () => crowd.comes({ flow: "a" }));
      const refused = asked.filter(({ now }) => now === "flow-queue-full");
      expect(refused.length).toBeGreaterThanOrEqual(70);
      crowd.play(400);
      expect(servedAtSecondTry(refused)).toBeGreaterThanOrEqual(0.9);
    },
  );
});

/**
 * Whoever is served asks again before anybody else can: the list is full at almost every moment, and no time is better
 * than another.
 */
test("a crowd of which each comes again at once is held off: few requests are refused, and nobody asks for ever", () => {
  const crowd = crowdOf({ max_queue: 90 });
  for (let n = 0; n < 300; n++) crowd.comesAgainAndAgain(20);
  crowd.play(600);
  const served = crowd.clients.filter(({ now }) => now === "served");
  const tries = crowd.clients.reduce((sum, { told }) => sum + told.length, 0);
  expect(served.length).toBeGreaterThan(0.9 * CAPACITY * 600);
  expect(tries / served.length).toBeLessThan(0.1);
});

describe("where nobody knows when there is room", () => {
  const told = (refused: ReturnType<Crowd["burst"]>) => refused.map((client) => client.told[0] as number);

  test("in a drain, clients come again one after another, as fast as the servers last had room for them", () => {
    const crowd = crowdOf();
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    const drain = { owner: "me", by: "me", reason: null, expiresAt: crowd.now + 600_000 };
    crowd.do(() => crowd.scheduler.drain(drain, crowd.now));
    const refused = crowd.burst(200);
    expect(Math.min(...told(refused))).toBe(5);
    expect(Math.max(...told(refused))).toBeLessThan(60);
    expect(mostInASecond(refused)).toBeLessThanOrEqual(CAPACITY - perSecondAt(60));
  });

  test("without a server, likewise", () => {
    const crowd = crowdOf({ when_down: "refuse" });
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    for (let n = 0; n < SERVERS; n++)
      crowd.do(() => crowd.scheduler.changeServer(`s${n}`, { state: "maint" }, "me", crowd.now));
    const refused = crowd.burst(200);
    expect(Math.min(...told(refused))).toBeGreaterThanOrEqual(10);
    expect(mostInASecond(refused)).toBeLessThanOrEqual(CAPACITY - perSecondAt(60));
  });

  test("in a pool that has just begun, they come one after another, too", () => {
    const refused = crowdOf().burst(200);
    expect(Math.max(...told(refused))).toBeLessThan(120);
    expect(mostInASecond(refused)).toBeLessThanOrEqual(25);
  });
});

test("no client is told more than an hour, and those at its end are not all told the same", () => {
  const crowd = crowdOf();
  crowd.comeSteadily(perSecondAt(60));
  crowd.play(120);
  const times = crowd.burst(100_000).map(({ told }) => told[0] as number);
  expect(Math.max(...times)).toBeLessThanOrEqual(3_600);
  expect(new Set(times.slice(-10_000)).size).toBeGreaterThan(500);
});

describe("of the pool", () => {
  const refusal: Refusal = {
    ...{ code: "queue-full", flow: null, estimatedWaitMs: 1_000, patienceMs: 60_000 },
    line: { waiting: 50, limit: 50, share: 1 },
  };

  test("no more is read than once a second, however many are refused", () => {
    let reads = 0;
    const pace = () => {
      reads++;
      return { slots: 10, turnMs: 200 };
    };
    const times = new RetryTimes({ maxQueuePerFlow: 20, queueTimeoutMs: 60_000 }, pace, seeded(1), 0);
    for (let now = 0; now < 5_000; now += 0.5) {
      times.arrived(now);
      times.book(refusal, now);
      times.book({ ...refusal, code: "flow-queue-full", flow: `f${now}` }, now);
    }
    expect(reads).toBe(5);
  });

  test("a flood that heeds nothing is forgotten soon: once it is over, clients are told short times again", () => {
    const times = new RetryTimes(
      { maxQueuePerFlow: null, queueTimeoutMs: 60_000 },
      () => ({ slots: 10, turnMs: 200 }),
      seeded(1),
      0,
    );
    const come = (perSecond: number, from: number, seconds: number, isRefused: boolean) => {
      let told = 0;
      for (let n = 0; n < perSecond * seconds; n++) {
        const now = from + (n * 1_000) / perSecond;
        times.arrived(now);
        if (isRefused) told = times.book(refusal, now);
      }
      return told;
    };
    come(30, 0, 120, false);
    expect(come(1_000, 120_000, 60, true)).toBeGreaterThan(2_000_000);
    come(20, 180_000, 300, false);
    expect(times.book(refusal, 480_000)).toBeLessThan(30_000);
  });

  test("those who would not wait at all take no places of others, however often they ask", () => {
    const crowd = crowdOf();
    crowd.comeSteadily(perSecondAt(60));
    crowd.play(120);
    const early = crowd.burst(10);
    for (let n = 0; n < 10_000; n++) crowd.comes({ patienceMs: 0 });
    const late = crowd.burst(10);
    const told = (clients: typeof early) => clients.map((client) => client.told[0] as number);
    expect(Math.max(...told(late))).toBeLessThanOrEqual(Math.max(...told(early)) + 2);
  });

  test("servers that take no time at all, or have none of the list's, do no harm", () => {
    for (const pace of [
      { slots: 10, turnMs: 0 },
      { slots: 0, turnMs: null },
      { slots: 1, turnMs: 3_600_000 },
    ]) {
      const times = new RetryTimes(
        { maxQueuePerFlow: null, queueTimeoutMs: 60_000 },
        () => pace,
        seeded(1),
        0,
      );
      for (const share of [1, 1e-6]) {
        const ms = times.book({ ...refusal, line: { ...refusal.line, share } }, 0);
        expect(ms).toBeGreaterThanOrEqual(1_000);
        expect(ms).toBeLessThanOrEqual(3_600_000);
      }
    }
  });

  test("clients whose requests find no room to be stored come one after another", () => {
    const times = new RetryTimes(
      { maxQueuePerFlow: null, queueTimeoutMs: 60_000 },
      () => ({ slots: 10, turnMs: 1_000 }),
      seeded(1),
      0,
    );
    const full: Refusal = {
      ...{ ...refusal, code: "deferred-full", patienceMs: 86_400_000 },
      line: { waiting: 100, limit: 100, share: 1 },
    };
    const told = Array.from({ length: 20_000 }, () => times.book(full, 0));
    expect(told[1]).toBeGreaterThan(told[0] as number);
    expect((told[100] as number) - (told[0] as number)).toBeGreaterThan(10_000);
    expect(Math.max(...told)).toBeLessThanOrEqual(3_600_000);
    expect(new Set(told.slice(-1_000)).size).toBeGreaterThan(900);
  });
});
