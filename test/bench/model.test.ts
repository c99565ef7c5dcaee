import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  COMMIT_MS,
  COMPUTE_MS,
  OBJECT,
  OBJECT_GIGABYTES,
  PRICES,
  ROUND_TRIP_MS,
} from "../../bench/model/inputs.ts";
import {
  costOfMillion,
  costOfMillionDeferred,
  DEFERRED,
  type Deferred,
  idleMs,
  mostPassed,
  objectRate,
  objectsFor,
  PLACEMENTS,
  requestsPerSecond,
  slotsOfOneObject,
  takenOf,
  utilisation,
} from "../../bench/model/model.ts";
import { affinityTable, deferredTable, passedTable, shardsTable, tables } from "../../bench/model/tables.ts";
import { ATTACH_MS } from "../../src/link/protocol.ts";

const near = PLACEMENTS[0] as (typeof PLACEMENTS)[number];

test("a slot is idle for a round trip to its server, one to the object, a commit and the computing", () => {
  expect(idleMs(near)).toBe(2 * ROUND_TRIP_MS.near + COMMIT_MS + COMPUTE_MS);
});

test("no pool of one object grants more than one object can", () => {
  expect(requestsPerSecond(near, 1_000, 1)).toBe(OBJECT.planned);
  expect(objectsFor(OBJECT.planned)).toBe(1);
  expect(objectsFor(OBJECT.planned + 1)).toBe(2);
});

test("a request that is handed its slot costs a row less", () => {
  expect(costOfMillion(100, 0).rows - costOfMillion(100, 1).rows).toBe(1);
});

describe("a lease that is passed on within one isolate", () => {
  test("leaves its slot idle for neither the object's round trip nor a commit, and a share of them for that share", () => {
    for (const placement of PLACEMENTS) {
      const saved = ROUND_TRIP_MS[placement.toObject] + COMMIT_MS;
      expect(idleMs(placement) - idleMs(placement, 1)).toBe(saved);
      expect(idleMs(placement) - idleMs(placement, 0.75)).toBeCloseTo(0.75 * saved);
    }
    expect(idleMs(near, 1)).toBe(ROUND_TRIP_MS.near + COMPUTE_MS);
  });

  test("keeps its server at work for more of its time, unless that takes a second: then it has a handle", () => {
    const gain = (serviceMs: number) => utilisation(near, serviceMs, 1) - utilisation(near, serviceMs);
    expect(gain(10)).toBeGreaterThan(0.2);
    expect(gain(ATTACH_MS - 1)).toBeGreaterThan(0);
    expect(gain(ATTACH_MS)).toBe(0);
    expect(slotsOfOneObject(near, ATTACH_MS, 1)).toBe(slotsOfOneObject(near, ATTACH_MS));
    expect(requestsPerSecond(near, 1_000, ATTACH_MS, 1)).toBe(OBJECT.planned);
  });

  test("writes no row and takes a call less, if another request takes the word of it along", () => {
    const [byObject, byPass] = [takenOf(100_000, 1, 0), takenOf(100_000, 1, 1)];
    expect(byObject).toEqual({ objectRequests: 2, rows: 1 });
    expect(byPass.rows).toBe(0);
    expect(byPass.objectRequests).toBeCloseTo(1);
    const cost = (passed: number) => costOfMillion(100_000, 1, passed);
    expect(cost(0).rows - cost(1).rows).toBe(PRICES.rowsWritten);
    expect(cost(0).requests - cost(1).requests).toBeCloseTo(PRICES.objectRequests);
  });

  test("takes as many calls as any where requests are few, and is nothing to those that need not wait", () => {
    expect(takenOf(0.01, 1, 1).objectRequests).toBeCloseTo(2);
    expect(costOfMillion(100, 0, 1)).toEqual(costOfMillion(100, 0));
  });

  test("lets one object carry more requests, and servers that each do more", () => {
    expect(objectRate(0)).toBe(OBJECT.planned);
    expect(objectRate(1)).toBe(OBJECT.plannedWithoutWrite);
    expect(objectRate(0.5)).toBeGreaterThan(OBJECT.planned);
    expect(objectRate(0.5)).toBeLessThan((OBJECT.planned + OBJECT.plannedWithoutWrite) / 2);
    for (const serviceMs of [10, 100]) {
      const slots = slotsOfOneObject(near, serviceMs, 1);
      expect(requestsPerSecond(near, slots, serviceMs, 1)).toBeLessThanOrEqual(objectRate(1));
      expect(requestsPerSecond(near, slots + 1, serviceMs, 1)).toBe(objectRate(1));
    }
  });

  test("goes back to the object after a while, so that not quite all are passed on", () => {
    expect(mostPassed(near, 10)).toBeGreaterThan(0.99);
    // 19 passes of 505 ms fit into 10 s.
    expect(mostPassed(near, 500)).toBe(0.95);
    expect(mostPassed(near, ATTACH_MS)).toBe(0);
  });
});

describe("a deferred request", () => {
  const one = DEFERRED.find(({ serviceMs, bytes }) => serviceMs === 1_000 && bytes === 1_024) as Deferred;
  const cost = (given: Partial<Deferred>) => costOfMillionDeferred({ ...one, ...given }, 10);
  const secondOfObject = OBJECT_GIGABYTES * PRICES.gigabyteSeconds;

  test("costs its object's time while it is at a server, and only looks while somebody waits for it", () => {
    const second = cost({}).duration;
    expect(cost({ serviceMs: 2_000 }).duration - second).toBeCloseTo(secondOfObject);
    expect(cost({ waitedMs: 600_000 }).duration).toBe(second);
    expect(cost({ waitedMs: 600_000 }).requests - cost({}).requests).toBeCloseTo(300 * PRICES.objectRequests);
    expect(cost({ looks: 60 }).duration).toBe(second);
  });

  test("costs storage for as long as it is kept, and rows by its size", () => {
    const [small, large] = [cost({}), cost({ bytes: 1_048_576 })];
    expect(cost({ keptDays: 2 }).storage).toBeCloseTo(2 * small.storage);
    expect(large.storage).toBeGreaterThan(50 * small.storage);
    // Of the body a row, its record and its deletion, of the answer a row and its deletion.
    expect(large.rows - small.rows).toBe(5);
  });
});

test.each([
  ["bench/model.md", tables],
  ["docs/limits-and-costs.md", deferredTable],
  ["docs/limits-and-costs.md", passedTable],
  ["docs/configuration.md", affinityTable],
  ["docs/sharding.md", shardsTable],
])("%s has what the script computes from today's inputs", (document, computed) => {
  expect(readFileSync(join(import.meta.dirname, "../..", document), "utf8")).toContain(computed());
});
