import { beforeEach, describe, expect, test } from "vitest";
import { BOUNDS_MS, Counters, emptyHistogram, observe } from "../../../src/scheduler/record/counters.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { DONE } from "../ends.ts";
import { settings } from "../settings.ts";

let scheduler: Scheduler;
beforeEach(() => {
  const servers = [{ name: "a", url: "http://a.example" }];
  scheduler = new Scheduler(settings({ servers, quarantine: { broken: "0s", max: "10s" } }), null, 0);
});

/** The bucket that a histogram's only observation is in, by its upper bound in ms. */
const only = (histogram: { counts: number[] }) => BOUNDS_MS[histogram.counts.indexOf(1)];

describe("a histogram", () => {
  test.each([
    [0, 1],
    [1, 1],
    [1.5, 2.5],
    [600_000, 600_000],
    [600_001, undefined],
    [-5, 1],
  ])("puts %d ms into the bucket up to %s", (ms, bound) => {
    const histogram = emptyHistogram();
    observe(histogram, ms);
    expect(only(histogram)).toBe(bound);
    expect(histogram.counts.reduce((sum, count) => sum + count)).toBe(1);
    expect(histogram.sumMs).toBe(Math.max(0, ms));
  });
});

describe("a wait", () => {
  test("lasts from arrival to the slot", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.enter({ id: "t2" }, 100);
    scheduler.end("t1", DONE, 400);
    expect(scheduler.counters.counts.waits.sumMs).toBe(300);
  });

  test("includes what the request waited before a restart", () => {
    scheduler.enter({ id: "t1", token: -700, waitedMs: 700 }, 0);
    scheduler.tick(500);
    expect(scheduler.counters.counts.waits.sumMs).toBe(1_200);
  });

  test("of a retry is not one: the request had its slot", () => {
    const retry = { server: "a", restMs: 0, avoid: false };
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", { how: "broken", retried: true }, 500);
    scheduler.enter({ id: "t2", token: 0, waitedMs: 500, retry }, 500);
    scheduler.end("t2", DONE, 600);
    const { waits, servers, retried } = scheduler.counters.counts;
    expect(waits.counts.reduce((sum, count) => sum + count)).toBe(1);
    expect([servers[0]?.retried, retried]).toEqual([1, 1]);
  });
});

describe("a request that its server answered", () => {
  test.each([
    [101, "1xx"],
    [204, "2xx"],
    [304, "3xx"],
    [404, "4xx"],
    [599, "5xx"],
    [999, "5xx"],
  ])("with %d counts as %s, and the server's time", (status, statusClass) => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", { how: "done", status }, 40);
    const { answered, completed, servers } = scheduler.counters.counts;
    expect([answered, completed]).toEqual([{ [statusClass]: 1 }, 1]);
    expect([servers[0]?.name, servers[0]?.service.sumMs]).toEqual(["a", 40]);
  });

  test("counts once, however often its end is told", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", DONE, 40);
    scheduler.end("t1", DONE, 50);
    expect(scheduler.counters.counts).toMatchObject({ answered: { "2xx": 1 }, completed: 1 });
  });
});

test("a drain counts when it begins, and not when it is extended", () => {
  for (const expiresAt of [10_000, 20_000])
    scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt }, 0);
  scheduler.resume({ owner: "me", by: "me", force: "no" }, 0);
  scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 9_000 }, 0);
  expect(scheduler.counters.counts.drains).toBe(2);
});

describe("a request whose client had left", () => {
  test.each(["broken", "unreachable", "timeout", "longest", "stalled"] as const)(
    "counts as abandoned, and as no refusal, though it ended %s",
    (how) => {
      scheduler.enter({ id: "t1" }, 0);
      for (let told = 0; told < 2; told++) scheduler.end("t1", { how, clientLeft: true }, 10);
      expect(scheduler.totals).toMatchObject({ abandoned: 1, completed: 0, refused: {} });
      expect(scheduler.journal.take(10).written.map(({ kind }) => kind)).not.toContain("refusal");
    },
  );
});

describe("what was told a scrape", () => {
  test("does not go back when a request that was taken for lost turns out not to be", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.tick(30_000);
    expect(scheduler.counters.tell().abandonedTold).toBe(1);
    scheduler.renew("t1", 31_000);
    expect(scheduler.totals.abandoned).toBe(0);
    expect(scheduler.counters.tell().abandonedTold).toBe(1);
  });

  test("is what a later instance begins with", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", DONE, 40);
    const told = scheduler.counters.tell();
    expect(new Counters(JSON.parse(JSON.stringify(told))).tell()).toEqual(told);
  });
});

describe("counts of an older version", () => {
  const OLD = { accepted: 9, completed: 7, refused: { "queue-full": 2 }, retried: 1, abandoned: 1 };

  test("go on, and what it did not count begins at none", () => {
    const counters = new Counters(OLD);
    expect(counters.totals).toEqual({ ...OLD, free: 0, passedOn: 0 });
    expect(counters.counts).toMatchObject({ ...OLD, answered: {}, drains: 0, servers: [] });
  });

  test("with other buckets lose their histograms, and nothing else", () => {
    const counters = new Counters({ ...OLD, drains: 3, waits: { counts: [1, 2], sumMs: 5 } });
    expect(counters.counts).toMatchObject({ ...OLD, drains: 3, waits: emptyHistogram() });
  });
});

test("a server that has left the configuration is forgotten, its part of the totals is not", () => {
  const counters = new Counters();
  for (const server of ["a", "b", "__proto__"]) counters.retried(server);
  counters.forgetServersBut(new Set(["b", "__proto__"]));
  expect(counters.counts.servers.map(({ name }) => name)).toEqual(["b", "__proto__"]);
  expect(counters.totals.retried).toBe(3);
});

test("a retry counts once, however often it is told", () => {
  scheduler = new Scheduler(
    settings({ servers: [{ name: "a", url: "http://a.example" }], quarantine: { broken: "1s", max: "10s" } }),
    null,
    0,
  );
  scheduler.enter({ id: "t1" }, 0);
  for (let told = 0; told < 3; told++) scheduler.end("t1", { how: "broken", retried: true }, 10 + told);
  expect(scheduler.totals).toMatchObject({ retried: 1, abandoned: 0 });
  scheduler.end("t1", { how: "lost" }, 20);
  for (let told = 0; told < 3; told++) scheduler.end("t1", { how: "broken", retried: true }, 30 + told);
  expect(scheduler.totals).toMatchObject({ retried: 1, abandoned: 0 });
});

test("a retry whose Worker had been taken to be lost counts as that, and not as abandoned", () => {
  scheduler = new Scheduler(
    settings({ servers: [{ name: "a", url: "http://a.example" }], quarantine: { broken: "1s", max: "10s" } }),
    null,
    0,
  );
  scheduler.enter({ id: "t1" }, 0);
  scheduler.end("t1", { how: "lost" }, 10);
  expect(scheduler.totals.abandoned).toBe(1);
  for (let told = 0; told < 2; told++) scheduler.end("t1", { how: "broken", retried: true }, 20 + told);
  expect(scheduler.totals).toMatchObject({ retried: 1, abandoned: 0 });
});
