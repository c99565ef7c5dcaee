import { describe, expect, test } from "vitest";
import { OBJECT } from "../../bench/model/inputs.ts";
import { idleMs, objectRate, PLACEMENTS, slotsOfOneObject } from "../../bench/model/model.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import {
  GRANTS,
  GRANTS_PASSED_ON,
  grantsOfOneObject,
  IDLE_MS,
  shardShortage,
  shardsNeeded,
  shortageWords,
} from "../../src/words/shards-needed.ts";
import { poolWith, serverWith } from "../support/snapshots.ts";

/** All near the servers. */
const NEAR = PLACEMENTS[0] as (typeof PLACEMENTS)[number];

describe("how many shards a pool needs", () => {
  test("is reckoned with what the model says of one object", () => {
    expect([GRANTS, GRANTS_PASSED_ON, IDLE_MS]).toEqual([
      OBJECT.planned,
      OBJECT.plannedWithoutWrite,
      idleMs(NEAR),
    ]);
    for (const share of [0, 0.25, 0.9, 1]) expect(grantsOfOneObject(share)).toBe(objectRate(share));
  });

  test.each([10, 50, 100, 500, 2_000])("is one up to the model's limit of slots, at %d ms", (serviceMs) => {
    const most = slotsOfOneObject(NEAR, serviceMs);
    expect(shardsNeeded(most, serviceMs, 1_000)).toBe(1);
    expect(shardsNeeded(most + 1, serviceMs, 1_000)).toBe(2);
  });

  test("is more than the 8 with which 400 servers stand idle in the model, and less than the 16 with which none does", () => {
    expect(shardsNeeded(400, 100, 400)).toBe(11);
  });

  test("is no more than there are servers, or than a pool may have", () => {
    expect(shardsNeeded(1_000, 10, 3)).toBe(3);
    expect(shardsNeeded(1_000, 10, 0)).toBe(1);
    expect(shardsNeeded(100_000, 10, 1_000)).toBe(64);
  });
});

describe("that a pool's objects are its limit", () => {
  const ten = { slots: 10, inFlight: 1 };
  const servers = Array.from({ length: 40 }, (_, n) => serverWith({ name: `web-${n}`, ...ten }));
  const times = (p50: number) => ({ p50, p95: p50, p99: p50 });
  const busy = (changes: Partial<Snapshot> = {}) =>
    poolWith({ servers, serviceMs: times(100), grantsPerSecond: 340, ...changes });
  const wordsOf = (pool: Snapshot) => {
    const shortage = shardShortage(pool);
    return shortage && shortageWords(shortage);
  };
  const shards = (count: number) =>
    Array.from({ length: count }, (_, shard) => ({ shard, reachable: true, queued: 0, ...ten }));

  test("is said with what they can do, what the servers could, and what to set", () => {
    expect(wordsOf(busy())).toBe(
      "Set shards = 11: its Durable Object is near its limit, some 350 requests a second on Cloudflare, and the servers could take 3,510",
    );
    expect(wordsOf(busy({ shards: shards(4), grantsPerSecond: 1_300 }))).toBe(
      "Set shards = 11: its 4 Durable Objects are near their limit, some 1,400 requests a second on Cloudflare, and the servers could take 3,510",
    );
  });

  test.each<[string, Partial<Snapshot>]>([
    ["that grants far fewer requests", { grantsPerSecond: 250 }],
    ["of which that is not known", { grantsPerSecond: null }],
    ["whose service times are not known", { serviceMs: null }],
    ["whose servers could not take more", { serviceMs: times(2_000) }],
    ["that has as many shards as it needs", { shards: shards(11), grantsPerSecond: 3_800 }],
    ["that is drained", { state: "draining" }],
    ["of one server, which is one shard's", { servers: [serverWith({ slots: 400 })] }],
    ["whose slots are taken", { servers: servers.map((server) => ({ ...server, inFlight: 10 })) }],
    [
      "whose servers are down",
      { servers: servers.map((server) => ({ ...server, health: "down" as const })) },
    ],
    [
      "whose leases are passed on",
      { grantsPerSecond: 400, totals: { ...poolWith().totals, completed: 1_000, passedOn: 900 } },
    ],
  ])("is not said of one %s", (_, changes) => {
    expect(wordsOf(busy(changes))).toBeNull();
  });

  test("takes the leases that are passed on into account", () => {
    const totals = { ...poolWith().totals, completed: 1_000, passedOn: 900 };
    expect(wordsOf(busy({ grantsPerSecond: 500, totals }))).toContain("some 580 requests a second");
  });

  test("does not count on backups", () => {
    const backups = servers.map((server) => ({ ...server, name: `${server.name}-b`, backup: true }));
    expect(shardShortage(busy({ servers: [...servers, ...backups] }))?.needs).toBe(11);
  });
});
