import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assign, type PoolServer } from "../../../src/scheduler/shards/assignment.ts";

const servers = fc.uniqueArray(
  fc.record({ identity: fc.stringMatching(/^[a-z]{1,3}$/), slots: fc.integer({ min: 1, max: 9 }) }),
  { selector: ({ identity }) => identity, maxLength: 60 },
);
const shards = fc.integer({ min: 1, max: 12 });

function loadsOf(pool: readonly PoolServer[], of: Map<string, number>, count: number): number[] {
  const loads = Array.from({ length: count }, () => 0);
  for (const { identity, slots } of pool) {
    const shard = of.get(identity) ?? -1;
    loads[shard] = (loads[shard] ?? 0) + slots;
  }
  return loads;
}

/** No server's move to another shard would bring both closer together. */
function expectNoBetterMove(pool: readonly PoolServer[], of: Map<string, number>, loads: number[]): void {
  for (const { identity, slots } of pool) {
    const from = loads[of.get(identity) ?? -1] ?? 0;
    expect(slots).toBeGreaterThanOrEqual(from - Math.min(...loads));
  }
}

const nowhere = () => undefined;
const equal = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ identity: `http://10.0.0.${n}`, slots: 1 }));

describe("servers are dealt out to shards", () => {
  test("each to one, so that no two shards differ by more than one server's slots", () => {
    fc.assert(
      fc.property(servers, shards, (pool, count) => {
        const of = assign(pool, count, nowhere);
        expect(new Set(of.keys())).toEqual(new Set(pool.map(({ identity }) => identity)));
        const loads = loadsOf(pool, of, count);
        expect(loads.length).toBe(count);
        const largest = Math.max(0, ...pool.map(({ slots }) => slots));
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(largest);
        expectNoBetterMove(pool, of, loads);
      }),
    );
  });

  test("likewise where they have been elsewhere, and a second time none moves", () => {
    fc.assert(
      fc.property(servers, shards, shards, fc.array(fc.nat(11)), (pool, count, _, before) => {
        const at = new Map(pool.map(({ identity }, n) => [identity, before[n]]));
        const of = assign(pool, count, (identity) => at.get(identity));
        const loads = loadsOf(pool, of, count);
        const largest = Math.max(0, ...pool.map(({ slots }) => slots));
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(largest);
        expectNoBetterMove(pool, of, loads);
        expect(assign(pool, count, (identity) => of.get(identity))).toEqual(of);
      }),
    );
  });

  test.each([
    [400, 8, 3],
    [400, 3, 8],
    [9, 4, 5],
    [64, 1, 64],
  ])("of %d servers none moves that need not, when %d shards become %d", (count, from, to) => {
    const pool = equal(count);
    const before = assign(pool, from, nowhere);
    const after = assign(pool, to, (identity) => before.get(identity));
    const moved = pool.filter(({ identity }) => before.get(identity) !== after.get(identity));
    // Each of those that stay keeps what is its share, and the others have nothing but what came.
    const [stay, share] = [Math.min(from, to), Math.floor(count / to)];
    const kept =
      from < to
        ? stay * share
        : loadsOf(pool, before, from)
            .slice(0, to)
            .reduce((a, b) => a + b, 0);
    expect(count - moved.length).toBeGreaterThanOrEqual(kept);
  });

  test("back to a shard that still owns them, if it is all the same", () => {
    const pool = equal(4);
    // All are on their way to shard 1, and two of them have not left shard 0 yet.
    const owners: Record<string, number> = { "http://10.0.0.1": 0, "http://10.0.0.3": 0 };
    const of = assign(
      pool,
      2,
      () => 1,
      (identity) => owners[identity] ?? 1,
    );
    expect(
      [...of]
        .filter(([, shard]) => shard === 0)
        .map(([identity]) => identity)
        .sort(),
    ).toEqual(Object.keys(owners));
  });
});
