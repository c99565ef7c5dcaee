import { expect, test } from "vitest";
import { counts, leasesLeft } from "../../../src/cli/terminal/counts.ts";
import { shardsView } from "../../../src/cli/terminal/shards-view.ts";
import { poolHead, poolsView, poolView, serversView } from "../../../src/cli/terminal/views.ts";
import { leaseWith, poolWith, serverWith, shardWith } from "../../support/snapshots.ts";

const plain = (_: string, text: string) => text;
const NOW = new Date(2026, 10, 21, 9).getTime();

const SHARDS = [
  shardWith({ shard: 0, slots: 8, inFlight: 3, queued: 12 }),
  shardWith({ shard: 1, slots: 4, reachable: false }),
];

test("the shards of a pool are told a line each, with those that are not reached", () => {
  expect(shardsView({ shards: SHARDS }, plain)).toEqual([
    "",
    "SHARD  STATE        IN FLIGHT  QUEUED",
    "0      reached            3/8      12",
    "1      not reached        0/4       0",
  ]);
});

test("they stand below all else of a pool, and a pool that is one object has no such table", () => {
  const pool = poolWith({ shards: [shardWith()] });
  const without = poolView({ ...pool, shards: undefined }, plain, NOW);
  expect(poolView(pool, plain, NOW)).toEqual([...without, ...shardsView(pool, plain)]);
  expect(shardsView({}, plain)).toEqual([]);
});

test("a pool of which a shard is not reached says so in the first place, alone and among others", () => {
  const pool = poolWith({ shards: SHARDS });
  expect(poolHead(pool, plain, NOW)[0]).toMatch(/^web {2}1 of 2 shards not reached {2}/);
  expect(poolsView([pool], plain)[1]).toMatch(/^web {3}1 of 2 shards not reached {2}/);
});

test("servers are told with their shard, and with none while they change hands, if there is room", () => {
  const servers = [serverWith({ shard: 1 }), serverWith({ name: "web-2" })];
  expect(serversView(servers, plain, NOW)).toEqual([
    "SERVER  STATE  HEALTH  IN FLIGHT  QUARANTINED  LONGEST  WEIGHT  SHARD  URL",
    "web-1   ready  up            0/1            0        –       1      1  https://web-1.example.com",
    "web-2   ready  up            0/1            0        –       1      –  https://web-1.example.com",
  ]);
  expect(serversView(servers, plain, NOW, 80)[0]).not.toContain("SHARD");
  expect(serversView([serverWith()], plain, NOW)[0]).not.toContain("SHARD");
});

test("a drain that waits for a shard which is not reached says that nobody knows what it has", () => {
  const pool = poolWith({ shards: SHARDS });
  expect(counts(pool)).toBe("0 in flight, 0 queued, shard 1 not reached");
  expect(leasesLeft(pool, NOW)).toBe("what shard 1 has, which is not reached");
  const since = new Date(NOW - 12_000).toISOString();
  const servers = [serverWith({ inFlight: 1, leases: [leaseWith({ since })] })];
  expect(leasesLeft({ ...pool, servers }, NOW)).toBe(
    "web-1 for 12 s, and what shard 1 has, which is not reached",
  );
});
