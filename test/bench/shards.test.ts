import { describe, expect, test } from "vitest";
import { OBJECT } from "../../bench/model/inputs.ts";
import { playShards } from "../../bench/model/shards.ts";

const POOL = { servers: 100, serviceMs: 100, clients: 300, isolates: 4, forMs: 6_000 };

describe("by the model, a pool of several shards", () => {
  test("carries as many requests as all its objects do, or as its servers can", () => {
    const rates = [1, 2, 8].map((shards) => playShards({ ...POOL, shards, load: null }).perSecond);
    expect(rates[0]).toBeCloseTo(OBJECT.planned, -1);
    expect((rates[1] ?? 0) / (rates[0] ?? 1)).toBeCloseTo(2, 1);
    // A slot is idle for a hand-over's time.
    expect(rates[2]).toBeGreaterThan(0.85 * POOL.servers * (1_000 / POOL.serviceMs));
    expect(rates[2]).toBeLessThan(POOL.servers * (1_000 / POOL.serviceMs));
  });

  test.each([2, 4, 8, 16, 64])(
    "of %d: nobody waits for 300 ms at one shard while another one has had a free slot for all that time",
    (shards) => {
      const played = playShards({ ...POOL, shards, load: 0.5 / shards, isOneFree: true });
      expect(played.moved).toBeGreaterThan(0);
      expect(played.longestBesideRoomMs).toBeLessThan(300);
    },
  );

  test("keeps the order as one does where nobody has to wait for long", () => {
    const played = playShards({ ...POOL, shards: 8, load: 0.5 });
    expect(played.overtaken).toBe(0);
    expect(played.waitMs.p99).toBeLessThan(60);
  });
});
