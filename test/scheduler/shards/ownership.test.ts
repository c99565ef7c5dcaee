import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Holding } from "../../../src/scheduler/shards/holding.ts";
import { type OwnerRow, Ownership } from "../../../src/scheduler/shards/ownership.ts";
import { ShardWorld } from "./shard-world.ts";

const pool = (...names: string[]) => names.map((identity) => ({ identity, slots: 1 }));
const fresh = (occupied: string[] = []) => new Ownership({ version: 0, shards: 1, rows: [] }, occupied);

/** As it is after a restart, if all was written. */
function restarted(ownership: Ownership): Ownership {
  const rows = ownership.members.flatMap((shard): OwnerRow[] => {
    const { owned, leaving } = ownership.orders(shard);
    return [
      ...owned.map((identity) => ({ identity, owner: shard, heir: null, sinceVersion: ownership.version })),
      ...leaving.map((identity) => ({ identity, owner: shard, heir: -1, sinceVersion: ownership.version })),
    ];
  });
  return new Ownership({ version: ownership.version, shards: 1, rows }, []);
}

describe("a server changes hands", () => {
  test("only once its owner has let it go", () => {
    const ownership = fresh(["a"]);
    ownership.configure(pool("a", "b"), 2);
    ownership.takeChanges();
    // The pool's own object has requests at a, so it owns it still, and b is free for the other.
    expect(ownership.orders(0)).toMatchObject({ owned: ["a"], leaving: [] });
    expect(ownership.orders(1)).toMatchObject({ owned: ["b"], leaving: [] });
    ownership.configure(pool("b"), 1);
    expect(ownership.orders(0)).toMatchObject({ owned: [], leaving: ["a"] });
    expect(ownership.orders(1)).toMatchObject({ owned: [], leaving: ["b"] });
    const { version } = ownership.orders(1);
    ownership.released({ shard: 1, version, identities: ["b"] });
    expect(ownership.orders(0)).toMatchObject({ owned: ["b"], leaving: ["a"] });
    ownership.released({ shard: 0, version, identities: ["a"] });
    expect([ownership.orders(0), ownership.isSettled]).toMatchObject([{ owned: ["b"], leaving: [] }, true]);
    expect(ownership.members).toEqual([0]);
  });

  test("not by what its owner has said before the orders that count", () => {
    const ownership = fresh();
    ownership.configure(pool("a"), 2);
    ownership.configure(pool(), 2);
    const { version } = ownership.orders(0);
    const early = { shard: 0, version, identities: ["a"] };
    // It comes back before that is heard, and is to leave again.
    ownership.takeChanges();
    ownership.configure(pool("a"), 2);
    ownership.takeChanges();
    ownership.configure(pool(), 2);
    ownership.takeChanges();
    ownership.released(early);
    expect(ownership.orders(0)).toMatchObject({ leaving: ["a"] });
    ownership.released({ ...early, version: ownership.version });
    expect(ownership.orders(0)).toMatchObject({ owned: [], leaving: [] });
  });

  test("not by what another shard says", () => {
    const ownership = fresh();
    ownership.configure(pool("a"), 2);
    ownership.configure(pool(), 2);
    ownership.released({ shard: 1, version: ownership.version, identities: ["a", "unknown"] });
    expect(ownership.orders(0)).toMatchObject({ leaving: ["a"] });
  });
});

describe("a shard", () => {
  test("grants nothing before it has heard orders, and nothing that it is to let go", () => {
    const holding = new Holding(1, 0);
    expect([holding.mayGrant("a"), holding.isMember, holding.release(() => false)]).toEqual([
      false,
      false,
      null,
    ]);
    expect(holding.hear({ version: 2, shards: 2, owned: ["a"], leaving: ["b"] })).toBe(true);
    expect([holding.mayGrant("a"), holding.mayGrant("b"), holding.isMember]).toEqual([true, false, true]);
    expect(holding.release((identity) => identity === "b")).toBeNull();
    expect(holding.release(() => false)).toEqual({ shard: 1, version: 2, identities: ["b"] });
  });

  test("that has restarted follows no orders of before its last release, which may be late", () => {
    const holding = new Holding(1, 3);
    expect(holding.hear({ version: 2, shards: 2, owned: ["a"], leaving: [] })).toBe(false);
    expect(holding.hear({ version: 3, shards: 2, owned: [], leaving: ["a"] })).toBe(true);
    expect(holding.mayGrant("a")).toBe(false);
  });

  test("follows the latest orders, whichever comes last", () => {
    const holding = new Holding(1, 0);
    holding.hear({ version: 3, shards: 1, owned: [], leaving: ["a"] });
    expect(holding.hear({ version: 2, shards: 2, owned: ["a"], leaving: [] })).toBe(false);
    expect([holding.mayGrant("a"), holding.isMember]).toEqual([false, false]);
  });
});

test("a server that has left the pool and is back belongs where it still is", () => {
  const ownership = fresh(["a"]);
  ownership.configure(pool("a", "b"), 2);
  ownership.configure(pool("b"), 2);
  expect(ownership.orders(0)).toMatchObject({ owned: [], leaving: ["a"] });
  ownership.configure(pool("b", "a"), 2);
  expect(ownership.orders(0)).toMatchObject({ owned: ["a"], leaving: [] });
});

test("what changes has one version until it is taken to be written, and nothing changes by what was known", () => {
  const ownership = fresh();
  ownership.configure(pool("a", "b", "c"), 3);
  const changes = ownership.takeChanges();
  expect(changes?.rows.size).toBe(3);
  expect([...(changes?.rows.values() ?? [])].map((row) => row?.sinceVersion)).toEqual(
    Array(3).fill(changes?.version),
  );
  ownership.configure(pool("a", "b", "c"), 3);
  expect(ownership.takeChanges()).toBeNull();
  const after = restarted(ownership);
  after.configure(pool("a", "b", "c"), 3);
  expect(after.orders(2)).toMatchObject({ owned: ownership.orders(2).owned });
});

// ── Random histories ──

const NAMES = ["a", "b", "c", "d", "e"];
const which = fc.nat(1_000);
const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("configure" as const),
      names: fc.subarray(NAMES),
      shards: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 20, arbitrary: fc.record({ what: fc.constant("deliver" as const), which }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("repeat" as const), which }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("drop" as const), which }) },
  { weight: 12, arbitrary: fc.record({ what: fc.constant("grant" as const), which }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant("end" as const), which }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("restart" as const), which }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("replace" as const), which }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("remind" as const), which }) },
);

describe("whatever is late, lost, repeated, restarted or replaced", () => {
  test("no two shards ever have a server's slots, and in the end each server has its owner", () => {
    let moved = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
        const world = new ShardWorld(NAMES);
        for (const { what, ...how } of steps) {
          if (what === "configure") world.configure(how as { names: string[]; shards: number });
          else world[what]((how as { which: number }).which);
        }
        world.settle();
        moved += world.moves;
      }),
      { numRuns: 400 },
    );
    // The histories are of something.
    expect(moved).toBeGreaterThan(400);
  });
});
