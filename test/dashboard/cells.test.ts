import { expect, test } from "vitest";
import { Cells } from "../../src/dashboard/page/cells.ts";
import { aLease, aPool, aQuarantinedLease, aServer, drainedBy, NOW } from "./snapshots.ts";

const shown = (cells: Cells, ids: string[], slots = 3) => {
  const servers = [aServer({ slots, leases: ids.map((id) => aLease(id)) })];
  return cells.cellsOf(aPool({ servers }), NOW).map(({ lease }) => lease?.id ?? null);
};

test("a lease stays in its cell while others come and go", () => {
  const cells = new Cells();
  expect(shown(cells, ["a", "b"])).toEqual(["a", "b", null]);
  expect(shown(cells, ["c", "b"])).toEqual(["c", "b", null]);
  expect(shown(cells, ["b"])).toEqual([null, "b", null]);
});

test("a lease beyond the slots there are now stays in sight until it ends", () => {
  const cells = new Cells();
  shown(cells, ["a", "b", "c"]);
  expect(shown(cells, ["c"], 1)).toEqual([null, null, "c"]);
  expect(shown(cells, [], 1)).toEqual([null]);
});

test.each([
  ["idle", {}, {}],
  ["down", { health: "down" }, {}],
  ["maintenance", { state: "maint", health: "down" }, {}],
  ["drained", { state: "drain" }, {}],
  ["drained", {}, drainedBy("admin")],
  ["busy 1.5 s", { leases: [aLease("a", 1.5)], health: "down" }, {}],
  ["draining 1.5 s", { leases: [aLease("a", 1.5)] }, drainedBy("admin")],
  ["draining 2 min", { state: "drain", leases: [aLease("a", 150)] }, {}],
  ["quarantined 2 min", { leases: [aQuarantinedLease("a", 150)] }, {}],
] as const)("a slot is said to be %j", (words, server, pool) => {
  const servers = [aServer(server as Parameters<typeof aServer>[0])];
  expect(new Cells().cellsOf(aPool({ ...pool, servers }), NOW).map((cell) => cell.words)).toEqual([words]);
});
