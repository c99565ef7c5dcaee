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
  objectsFor,
  PLACEMENTS,
  requestsPerSecond,
} from "../../bench/model/model.ts";
import { affinityTable, deferredTable, tables } from "../../bench/model/tables.ts";

const near = PLACEMENTS[0] as (typeof PLACEMENTS)[number];

test("a slot is idle for a round trip to its server, one to the object, a commit and the computing", () => {
  expect(idleMs(near)).toBe(2 * ROUND_TRIP_MS.near + COMMIT_MS + COMPUTE_MS);
});

test("no pool of one object grants more than one object can", () => {
  expect(requestsPerSecond(near, 1_000, 1, OBJECT.planned)).toBe(OBJECT.planned);
  expect(objectsFor(OBJECT.planned)).toBe(1);
  expect(objectsFor(OBJECT.planned + 1)).toBe(2);
});

test("a request that is handed its slot costs a row less", () => {
  expect(costOfMillion(100, 0).rows - costOfMillion(100, 1).rows).toBe(1);
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
  ["docs/configuration.md", affinityTable],
])("%s has what the script computes from today's inputs", (document, computed) => {
  expect(readFileSync(join(import.meta.dirname, "../..", document), "utf8")).toContain(computed());
});
