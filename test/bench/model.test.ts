import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMIT_MS, COMPUTE_MS, OBJECT, ROUND_TRIP_MS } from "../../bench/model/inputs.ts";
import { costOfMillion, idleMs, objectsFor, PLACEMENTS, requestsPerSecond } from "../../bench/model/model.ts";
import { tables } from "../../bench/model/tables.ts";

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

test("model.md has the tables that the script computes from today's inputs", () => {
  const written = readFileSync(join(import.meta.dirname, "../../bench/model.md"), "utf8");
  expect(written).toContain(tables());
});
