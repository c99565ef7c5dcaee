import stringWidth from "string-width";
import { expect, test } from "vitest";
import type { AllPools } from "../../../src/cli/client/admin-client.ts";
import { sparkline, TopView } from "../../../src/cli/terminal/top-view.ts";
import type { Snapshot } from "../../../src/scheduler/snapshot.ts";
import { flowWith, leaseWith, poolWith, shardWith } from "../../support/snapshots.ts";

const all = (...pools: Snapshot[]): AllPools => ({ pools, unreachable: [] });
const plain = (_: string, text: string) => text;
const DRAIN = { owner: "me", by: "me", reason: null, since: "", expiresAt: "", cut: null, stop: null };
const NOW = new Date(2026, 10, 21, 9, 2, 11).getTime();

test("the queues' curves begin under each other, and grow with each look", () => {
  const view = new TopView(plain, false);
  view.update(all(poolWith({ queued: 0 }), poolWith({ name: "media", queued: 7 })), NOW);
  view.update(all(poolWith({ queued: 70 }), poolWith({ name: "media", queued: 0 })), NOW);
  expect(view.lines(80, NOW).slice(-2)).toEqual([
    "queue of web, at most 70   ▁█", //
    "queue of media, at most 7  █▁",
  ]);
});

test("a curve shows the last minute, and on a narrow terminal what fits of it", () => {
  const view = new TopView(plain, true);
  for (let queued = 1; queued <= 100; queued++) view.update(all(poolWith({ queued })), NOW);
  const curveAt = (width: number) => view.lines(width, NOW).find((line) => line.startsWith("queue")) ?? "";
  expect(stringWidth(curveAt(200))).toBe("queue, at most 100  ".length + 60);
  expect(stringWidth(curveAt(50))).toBe(50);
  expect(curveAt(50).endsWith("█")).toBe(true);
});

test("when nobody answers, it says since when and why, and lets nothing grow older", () => {
  const view = new TopView(plain, true);
  const leases = [leaseWith({ since: new Date(NOW - 5_000).toISOString() })];
  const pool = poolWith();
  view.update(all({ ...pool, servers: pool.servers.map((server) => ({ ...server, leases })) }), NOW);
  view.setError("gone\u001b[2J");
  const [head, , ...body] = view.lines(80, NOW + 125_000);
  expect(head).toBe("last seen 2 min 5 s ago: gone?[2J");
  expect(body.join("\n")).toContain("5.0 s");
  view.update(all(pool), NOW);
  expect(view.lines(80, NOW)[0]).toContain("q quits");
});

test("the head shows the time of the view, whatever day today is", () => {
  const view = new TopView(plain, false);
  expect(view.lines(80, NOW)[0]).toBe("sluice top  09:02:11  q quits");
});

test("a pool that cannot be reached is named below the others, and its curve is gone meanwhile", () => {
  const view = new TopView(plain, false);
  view.update(all(poolWith(), poolWith({ name: "media" })), NOW);
  view.update({ pools: [poolWith()], unreachable: ["media"] }, NOW);
  const lines = view.lines(80, NOW);
  expect(lines).toContain("media  cannot be reached");
  expect(lines.filter((line) => line.startsWith("queue of"))).toHaveLength(1);
});

test("of a curve, the highest number is a full block, none is the lowest one", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█");
  expect(sparkline([0, 500, 1_000])).toBe("▁▅█");
});

test("a curve of nothing is flat", () => {
  expect(sparkline([0, 0, 0])).toBe("▁▁▁");
  expect(sparkline([])).toBe("");
});

test("a list that grows, or stays long, is told with the pool's state, and none in a drain or right after it", () => {
  const view = new TopView(plain, true);
  let now = NOW;
  /** A look each second, while the list grows by so many. */
  const look = (seconds: number, perSecond: number, changes: Partial<Snapshot> = {}) => {
    for (let n = 1; n <= seconds; n++) {
      now += 1_000;
      view.update(all(poolWith({ queued: 30 + n * perSecond, oldestWaitMs: 40_000, ...changes })), now);
    }
    return /^web {2}(.*) {2}0 of/.exec(view.lines(80, now)[2] ?? "")?.[1];
  };
  expect(look(10, 0)).toBe("running");
  expect(look(60, 0)).toBe("long waits");
  expect(look(30, 2)).toBe("queue grows");
  expect(look(30, 2, { state: "drained", drain: DRAIN })).toBe("drained");
  expect(look(10, 2)).toBe("running");
});

test("of one pool, who waits longest is told below the servers, and of all pools not", () => {
  const pool = poolWith({ flows: [flowWith({ queued: 500 })] });
  const lines = (onePool: boolean) => {
    const view = new TopView(plain, onePool);
    view.update(all(pool), NOW);
    return view.lines(80, NOW);
  };
  expect(lines(true).at(-1)).toBe("4f2a9c01d3e5b768     500          0   1.0 s    0 %");
  expect(lines(false).join("\n")).not.toContain("4f2a9c01d3e5b768");
});

test("of one pool, its shards are told last", () => {
  const view = new TopView(plain, true);
  view.update(all(poolWith({ flows: [flowWith()], shards: [shardWith({ queued: 7 })] })), NOW);
  expect(view.lines(80, NOW).at(-1)).toBe("0      reached        0/1       7");
});
