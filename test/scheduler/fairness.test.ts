import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { DONE } from "./ends.ts";
import { settings } from "./settings.ts";
import { type Account, type Outcome, SharedPool } from "./shared-pool.ts";

const CLIENTS = ["a", "b", "c"];
const QUARANTINE_MS = 20_000;

const burst = (flow: fc.Arbitrary<string>) =>
  fc.record({
    flow,
    afterMs: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(3_000)),
    count: fc.integer({ min: 1, max: 8 }),
    // Up to just before a lease would run out that is not renewed.
    serviceMs: fc.oneof(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 3_000 }),
      fc.integer({ min: 1, max: 40_000 }),
    ),
    outcome: fc.constantFrom<Outcome>("done", "done", "done", "left", "failed", "busy"),
    failures: fc.integer({ min: 1, max: 3 }),
  });

const histories = (flow: fc.Arbitrary<string>) =>
  fc.record({
    slots: fc.integer({ min: 1, max: 5 }),
    mostInFlight: fc.option(fc.integer({ min: 1, max: 3 })),
    bursts: fc.array(burst(flow), { minLength: 1, maxLength: 80, size: "max" }),
  });
type History = ReturnType<typeof histories> extends fc.Arbitrary<infer T> ? T : never;

/** Plays a history to its end. `watch` is called after each event, with the longest time that any request closes slots. */
function play(
  { slots, mostInFlight, bursts }: History,
  watch: (pool: SharedPool, longestMs: number) => void,
): void {
  const limit = mostInFlight === null ? {} : { max_in_flight_per_flow: mostInFlight };
  const pool = new SharedPool({ slots, ...limit });
  const longestMs = Math.max(...bursts.map(closedMs));
  let at = 0;
  let newcomers = 0;
  for (const { afterMs, flow, count, serviceMs, ...wants } of bursts) {
    at += afterMs;
    pool.at(at, () => {
      for (let n = 0; n < count; n++)
        pool.send(flow === "new" ? `new ${newcomers++}` : flow, serviceMs, wants);
    });
  }
  pool.onEvent = () => watch(pool, longestMs);
  pool.play(at);
  pool.playToEnd();
}

function closedMs({ serviceMs, outcome, failures }: History["bursts"][number]): number {
  if (outcome === "left") return serviceMs + QUARANTINE_MS;
  return outcome === "done" ? serviceMs : serviceMs * (failures + 1);
}

/** It has requests waiting, and may have another slot. */
function wants(pool: SharedPool, { waiting, slots }: Account): boolean {
  return waiting > 0 && slots < pool.mostInFlight;
}

describe("whoever comes, whenever, with whatever requests", () => {
  /*
   * A flow gets a slot only if none that waits has a smaller tag. From then on its tag, taken as the service it has had,
   * runs ahead of another one's by what the slots give that are being held for the two: at most one longest service for
   * each slot. A flow starts at the virtual time, which is one longest service from the smallest tag at most. So two that
   * wait differ by at most slots + 1 of them, at the beginning of the time as at its end.
   */
  test("two flows that wait all through a time, and may have slots, get the same service in it, but for 2 (slots + 1) times the longest one", () => {
    fc.assert(
      fc.property(histories(fc.constantFrom(...CLIENTS)), (history) => {
        /** By pair of flows: by how much the one has had more than the other since both wait, at least and at most. */
        const leads = new Map<string, { least: number; most: number }>();
        play(history, (pool, longestMs) => {
          for (const [one, other] of [
            ["a", "b"],
            ["a", "c"],
            ["b", "c"],
          ] as const) {
            const pair = one + other;
            if (!wants(pool, pool.of(one)) || !wants(pool, pool.of(other))) {
              leads.delete(pair);
              continue;
            }
            const lead = pool.of(one).servedMs - pool.of(other).servedMs;
            const { least, most } = leads.get(pair) ?? { least: lead, most: lead };
            leads.set(pair, { least: Math.min(least, lead), most: Math.max(most, lead) });
            const moreMs = Math.max(most, lead) - Math.min(least, lead);
            const bound = 2 * (pool.slots + 1) * longestMs;
            assert.ok(
              moreMs <= bound,
              `one of ${one} and ${other} gets ${moreMs} ms more, of at most ${bound}`,
            );
          }
        });
      }),
      { numRuns: 400 },
    );
  });

  /*
   * A flow that waits is at most 2 slots + 1 longest services behind those who start now, see above. While each of those
   * who wait gets one mean service, virtual time passes by as much; so it is its turn once each has had what it is behind.
   */
  test("a flow that waits gets a slot before the others have had 2 (slots + 1) times the longest service for each that waits, however many new ones come", () => {
    fc.assert(
      fc.property(histories(fc.constantFrom(...CLIENTS, "new", "new", "new", "new", "new")), (history) => {
        const waits = new Map<string, { others: number; grants: number }>();
        let mostWaiting = 0;
        play(history, (pool, longestMs) => {
          const waiting = [...pool.accounts].filter(([, account]) => account.waiting > 0);
          mostWaiting = Math.max(mostWaiting, waiting.length);
          const bound = 2 * (pool.slots + 1) * longestMs * (mostWaiting + pool.slots);
          for (const flow of waits.keys()) if (!wants(pool, pool.of(flow))) waits.delete(flow);
          for (const [flow, account] of waiting) {
            if (!wants(pool, account)) continue;
            const { grants, servedMs } = account;
            const others = pool.servedMs - servedMs;
            const since = waits.get(flow);
            if (since?.grants !== grants) waits.set(flow, { others, grants });
            else
              assert.ok(
                others - since.others <= bound,
                `${flow} waits for ${others - since.others} ms of others`,
              );
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  test("no slot is idle while a flow waits that may have it, and no flow has more slots than it may", () => {
    fc.assert(
      fc.property(histories(fc.constantFrom(...CLIENTS, "new")), (history) => {
        play(history, (pool) => {
          const accounts = [...pool.accounts.values()];
          const isIdle = pool.scheduler.hasFreeSlot && accounts.some((account) => wants(pool, account));
          assert.ok(!isIdle, "a slot is idle");
          assert.ok(
            accounts.every(({ slots }) => slots <= pool.mostInFlight),
            "too many slots",
          );
        });
      }),
      { numRuns: 200 },
    );
  });
});

/** Keeps so many requests of this flow waiting, from now to then. */
function keepWaiting(
  pool: SharedPool,
  flow: string,
  serviceMs: number,
  until: number,
  more: { outcome?: Outcome } = {},
): void {
  const refill = () => {
    while (pool.of(flow).waiting < 10) pool.send(flow, serviceMs, more);
    if (pool.now < until) pool.at(pool.now + 1_000, refill);
  };
  pool.at(pool.now, refill);
}

/** From now to then each of these flows gets the same part of the service, to a hundredth of all of it. */
function expectEqualShares(pool: SharedPool, flows: readonly string[], until: number): void {
  const before = flows.map((flow) => pool.of(flow).servedMs);
  const allBefore = pool.servedMs;
  pool.play(until);
  const all = pool.servedMs - allBefore;
  const shares = flows.map((flow, n) => (pool.of(flow).servedMs - (before[n] as number)) / all);
  const unequal = shares.filter((share) => Math.abs(share - 1 / flows.length) > 0.01);
  expect(unequal, `shares of ${shares.join(", ")}`).toEqual([]);
}

describe("of the servers' time", () => {
  test("flows with long requests get as much as flows with short ones", () => {
    const pool = new SharedPool({ slots: 2 });
    keepWaiting(pool, "long", 20_000, 3_600_000);
    keepWaiting(pool, "short", 500, 3_600_000);
    expectEqualShares(pool, ["long", "short"], 3_600_000);
  });

  test("a flow that was idle for an hour gets no more than its share afterwards, and one that had all of it no less", () => {
    const pool = new SharedPool({ slots: 2 });
    keepWaiting(pool, "c", 1_000, 60_000);
    keepWaiting(pool, "a", 1_000, 7_200_000);
    pool.play(3_600_000);
    for (const flow of ["b", "c"]) keepWaiting(pool, flow, 1_000, 7_200_000);
    expectEqualShares(pool, ["a", "b", "c"], 3_660_000);
    expectEqualShares(pool, ["a", "b", "c"], 7_200_000);
  });

  test("a flow that had one slot, and asked for no more, has no right to what others had meanwhile", () => {
    const pool = new SharedPool({ slots: 10 });
    pool.send("modest", 600_000);
    keepWaiting(pool, "greedy", 1_000, 1_200_000);
    pool.play(590_000);
    keepWaiting(pool, "modest", 1_000, 1_200_000);
    pool.play(600_000);
    expectEqualShares(pool, ["modest", "greedy"], 1_100_000);
  });

  test("what a flow had while nobody waited is not held against it", () => {
    const pool = new SharedPool({ slots: 10 });
    for (let n = 0; n < 10; n++) pool.send("early", 20_000);
    pool.play(3_600_000);
    for (const flow of ["late", "early"]) keepWaiting(pool, flow, 1_000, 4_300_000);
    expectEqualShares(pool, ["early", "late"], 4_200_000);
  });

  test("a flow whose clients leave gets no more than others: the quarantine of its slots counts", () => {
    const pool = new SharedPool({ slots: 4 });
    keepWaiting(pool, "leaves", 10, 3_600_000, { outcome: "left" });
    keepWaiting(pool, "stays", 1_000, 3_600_000);
    expectEqualShares(pool, ["leaves", "stays"], 3_600_000);
  });

  test.each<Outcome>(["failed", "busy"])(
    "a flow whose requests are %s at first gets no more than others",
    (outcome) => {
      const pool = new SharedPool({ slots: 1 });
      keepWaiting(pool, "unlucky", 1_000, 3_600_000, { outcome });
      keepWaiting(pool, "lucky", 1_000, 3_600_000);
      expectEqualShares(pool, ["unlucky", "lucky"], 3_600_000);
    },
  );

  test("a flow that could have no more slots has no right to make up for that", () => {
    const pool = new SharedPool({ slots: 10, max_in_flight_per_flow: 1 });
    let newcomers = 0;
    const come = () => {
      for (let n = pool.scheduler.queued; n < 12; n++) pool.send(`new ${newcomers++}`, 1_000);
      if (pool.now < 600_000) pool.at(pool.now + 100, come);
    };
    keepWaiting(pool, "limited", 1_000, 1_000_000);
    pool.at(0, come);
    pool.play(600_000);
    pool.changeSlots(1);
    pool.play(620_000);
    keepWaiting(pool, "other", 1_000, 1_000_000);
    expectEqualShares(pool, ["limited", "other"], 1_000_000);
  });

  test("one that may hold one slot has that one, and the others share what is left", () => {
    const pool = new SharedPool({ slots: 4, max_in_flight_per_flow: 1 });
    for (const flow of ["a", "b"]) keepWaiting(pool, flow, 1_000, 600_000);
    pool.play(60_000);
    expect([pool.of("a").slots, pool.of("b").slots]).toEqual([1, 1]);
    expectEqualShares(pool, ["a", "b"], 600_000);
  });
});

test("a client that comes again and again waits for those who were there before it, and not for all that come anew", () => {
  const pool = new SharedPool();
  let newcomers = 0;
  let longest = 0;
  const come = () => pool.send(`new ${newcomers++}`, 100);
  for (let n = 0; n < 20; n++) come();
  for (let at = 100; at <= 60_000; at += 100) pool.at(at, come);
  pool.onEvent = () => {
    longest = Math.max(longest, pool.scheduler.queued);
    const { waiting, slots } = pool.of("again");
    if (waiting + slots === 0) pool.send("again", 100);
  };
  pool.play(60_000);
  const waits = pool.granted
    .filter(({ flow }) => flow === "again")
    .map(({ at, grantedAt }) => grantedAt - at);
  expect(waits.length).toBeGreaterThan(10);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1.5 * longest * 100);
});

describe("memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heapMb = () => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const keys = { flow: "address", max_queue: 50, servers: [{ name: "s", url: "http://s.example" }] };

  /** Requests of so many new flows come, and each is served at last that may wait. */
  function serve(scheduler: Scheduler, from: number, to: number, everyMs: number): void {
    const running: { id: string; endsAt: number }[] = [];
    for (let n = from; n < to; n++) {
      const now = n * everyMs;
      while (running[0] && running[0].endsAt <= now) {
        const { id, endsAt } = running.shift() as (typeof running)[number];
        scheduler.end(id, DONE, endsAt);
        look(endsAt);
      }
      scheduler.enter({ id: `t${n}`, flow: `client ${n}` }, now);
      look(now);
    }
    function look(now: number) {
      for (const { kind, ticket } of scheduler.takeChanges().decisions)
        if (kind === "grant") running.push({ id: ticket, endsAt: now + 10 });
    }
  }

  test.each([
    ["light load", 20],
    ["overload", 9],
  ])(
    "is bounded, whoever has come: 100 000 clients leave no more than 20 000 did, in %s",
    (_load, everyMs) => {
      const scheduler = new Scheduler(settings(keys), null, 0);
      serve(scheduler, 0, 20_000, everyMs);
      const before = heapMb();
      serve(scheduler, 20_000, 100_000, everyMs);
      expect(heapMb() - before).toBeLessThan(8);
      expect(scheduler.queued).toBeLessThanOrEqual(50);
    },
  );
});
