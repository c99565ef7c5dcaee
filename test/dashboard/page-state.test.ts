import { describe, expect, test } from "vitest";
import { CellPlaces } from "../../src/dashboard/page/cells.js";
import { frameReader } from "../../src/dashboard/page/frames.js";
import { History } from "../../src/dashboard/page/history.js";
import { ago, aLease, aPool, aQuarantinedLease, aServer, drainedBy, NOW } from "./snapshots.ts";

describe("cells", () => {
  const shown = (places: CellPlaces, ids: string[], slots = 3) => {
    const servers = [aServer({ slots, leases: ids.map((id) => aLease(id)) })];
    return places.cells(aPool({ servers }), NOW).map(({ lease }) => lease?.id ?? null);
  };

  test("a lease stays in its cell while others come and go", () => {
    const places = new CellPlaces();
    expect(shown(places, ["a", "b"])).toEqual(["a", "b", null]);
    expect(shown(places, ["c", "b"])).toEqual(["c", "b", null]);
    expect(shown(places, ["b"])).toEqual([null, "b", null]);
  });

  test("a lease beyond the slots there are now stays in sight until it ends", () => {
    const places = new CellPlaces();
    shown(places, ["a", "b", "c"]);
    expect(shown(places, ["c"], 1)).toEqual([null, null, "c"]);
    expect(shown(places, [], 1)).toEqual([null]);
  });

  test.each([
    ["idle", {}, {}],
    ["down", { health: "down" }, {}],
    ["maintenance", { state: "maint", health: "down" }, {}],
    ["drained", { state: "drain" }, {}],
    ["drained", {}, drainedBy("admin")],
    ["busy 1.5 s", { leases: [aLease("a", 1.5)], health: "down" }, {}],
    ["draining, busy 1.5 s", { leases: [aLease("a", 1.5)] }, drainedBy("admin")],
    ["draining, busy 2 min", { state: "drain", leases: [aLease("a", 150)] }, {}],
    ["quarantined 2 min", { leases: [aQuarantinedLease("a", 150)] }, {}],
  ] as const)("a slot is said to be %j", (words, server, pool) => {
    const servers = [aServer(server as Parameters<typeof aServer>[0])];
    expect(new CellPlaces().cells(aPool({ ...pool, servers }), NOW).map((cell) => cell.words)).toEqual([
      words,
    ]);
  });
});

describe("history", () => {
  test("keeps ten minutes", () => {
    const history = new History();
    for (let second = 0; second <= 700; second++)
      history.saw(aPool({ queued: second }), NOW + second * 1_000);
    expect([history.queued[0], history.queued.at(-1), history.times.length]).toEqual([100, 700, 601]);
  });

  test("makes nothing up of those who wait while nothing is heard", () => {
    const history = new History();
    history.saw(aPool({ queued: 2, oldestWaitMs: 1_000 }), NOW);
    history.passed(NOW + 3_000);
    expect([history.queued, history.oldest]).toEqual([[2], [1]]);
  });

  test("begins with what the pool has kept, which fills the page's own gaps", () => {
    const history = new History();
    for (const second of [-60, -14]) history.saw(aPool({ queued: 1 }), NOW + second * 1_000);
    history.lost(NOW - 13_000);
    const kept = { from: ago(15), stepMs: 5_000, queued: [3, 9, 4, 2], oldestWaitMs: [500, 700, 0, 100] };
    history.told(kept, NOW + 2_000);
    // So soon after it that the two would be one point, were both the page's own.
    history.saw(aPool({ queued: 1 }), NOW + 2_010);
    expect(history.times.map((time) => Math.round(time - NOW / 1_000))).toEqual([-60, -10, -5, 0, 2, 2]);
    expect([history.queued, history.oldest]).toEqual([
      [1, 3, 9, 4, 2, 1],
      [0, 0.5, 0.7, 0, 0.1, 0],
    ]);
  });

  test("knows what was refused in the last minute, as far as it has seen it", () => {
    const history = new History();
    const saw = (second: number, refused: Record<string, number>) =>
      history.saw(aPool({ totals: { ...aPool().totals, refused } }), NOW + second * 1_000);
    saw(0, { "queue-full": 40, "no-server": 2 });
    expect(history.refused(NOW)).toEqual(new Map());
    saw(30, { "queue-full": 43, "no-server": 2, "bad-gateway": 1 });
    expect(history.refused(NOW + 30_000)).toEqual(
      new Map(Object.entries({ "queue-full": 3, "bad-gateway": 1 })),
    );
    saw(75, { "queue-full": 43, "no-server": 2, "bad-gateway": 1 });
    expect(history.refused(NOW + 75_000)).toEqual(new Map());
  });

  test("has a gap, once, where the connection was lost", () => {
    const history = new History();
    history.saw(aPool({ queued: 2 }), NOW);
    for (const second of [1, 2, 3]) history.lost(NOW + second * 1_000);
    history.saw(aPool({ queued: 5 }), NOW + 4_000);
    expect(history.queued).toEqual([2, null, 5]);
  });
});

describe("frames", () => {
  test("are read however the network has cut them", () => {
    const text =
      ': still here\n\nid: 7\nevent: drained\ndata: {"id":7}\n\nevent: snapshot\ndata: {}\n\nid: 8\n';
    for (let size = 1; size <= text.length; size++) {
      const heard: unknown[] = [];
      const read = frameReader((...event) => heard.push(event));
      for (let start = 0; start < text.length; start += size) read(text.slice(start, start + size));
      expect(heard).toEqual([
        ["drained", '{"id":7}', "7"],
        ["snapshot", "{}", null],
      ]);
    }
  });
});
