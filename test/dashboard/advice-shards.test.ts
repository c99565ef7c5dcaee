import { describe, expect, test } from "vitest";
import { outlookOf } from "../../src/dashboard/page/outlook.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { shardWith } from "../support/snapshots.ts";
import { aLease, aPool, aServer, drainedBy, NOW, refused } from "./snapshots.ts";

const adviceOn = (changes: Partial<Snapshot>) =>
  outlookOf(aPool(changes), "admin", NOW, undefined).advice.map(({ weight, text }) => `${weight}: ${text}`);

const SHARDS = [shardWith(), shardWith({ shard: 1, reachable: false })];
const servers = [aServer({ shard: 0 }), aServer({ name: "web-2", shard: 1 })];
const draining: Partial<Snapshot> = { ...drainedBy("admin"), state: "draining" };
const LOST = "Shard 1 cannot be reached; its figures are from before.";
const END = "Sluice tries again by itself. The Worker’s log may say why.";

describe("a shard that cannot be reached", () => {
  test("is told with its servers, which get no requests", () => {
    expect(adviceOn({ servers, shards: SHARDS })).toEqual([
      `bad: ${LOST} web-2 gets no requests meanwhile. ${END}`,
    ]);
  });

  test("is told with the others that cannot", () => {
    const shards = [...SHARDS, shardWith({ shard: 2, reachable: false })];
    const theirs = [...servers, aServer({ name: "web-3", shard: 2 })];
    expect(adviceOn({ servers: theirs, shards })).toEqual([
      `bad: Shards 1 and 2 cannot be reached; their figures are from before. web-2 and web-3 get no requests meanwhile. ${END}`,
    ]);
  });

  test("is the cause of a waiting list that is full, and not the load", () => {
    const full = { servers, shards: SHARDS, recentRefusals: [refused("queue-full", 3)] };
    expect(adviceOn(full)).toEqual([
      `bad: ${LOST} web-2 gets no requests meanwhile. Meanwhile: 3 requests refused lately (queue-full). ${END}`,
    ]);
  });

  test("is waited for in a drain, though nothing is known to be in flight", () => {
    expect(adviceOn({ ...draining, shards: SHARDS })).toEqual([
      `bad: ${LOST} The pool counts as drained only once it is back. ${END}`,
      "plain: Wait before you deploy: what shard 1 has, which is not reached, may still be in flight.",
    ]);
  });
});

test("a drain waits until every shard has said that it has done all", () => {
  const shards = [shardWith()];
  const wait = "plain: Wait before you deploy: ";
  expect(adviceOn({ ...draining, shards })).toEqual([
    `${wait}not every shard has said yet that it has done all.`,
  ]);
  const busy = aServer({ inFlight: 1, leases: [aLease("a", 2)] });
  expect(adviceOn({ ...draining, shards, inFlight: 1, servers: [busy] })).toEqual([
    `${wait}1 slot still in flight. The longest is on web-1, for 2.0 s.`,
  ]);
});

test("shards that answer need no advice", () => {
  expect(adviceOn({ servers, shards: [shardWith()] })).toEqual([]);
});
