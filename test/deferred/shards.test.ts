import { afterEach, describe, expect, test } from "vitest";
import { SingleFlightPool } from "../support/single-flight-pool.ts";
import { Deferrer, inTurns } from "./support.ts";

let pool: SingleFlightPool;
afterEach(() => pool.stop());

const KEYS = { shards: 3, deferred: {} };
const paths = (count: number) => Array.from({ length: count }, (_, n) => `/${n}`);
const client = () => new Deferrer(() => pool.sluice);

/** Which servers were asked, by what they served. */
const busyServers = () => pool.servers.filter(({ served }) => served.length > 0).length;

async function deferAll(count: number): Promise<{ ended: () => Promise<unknown[]> }> {
  const deferrer = client();
  const ids = await inTurns(paths(count), 10, (path) => deferrer.defer(path));
  return {
    ended: () => inTurns(ids, 20, async (id) => (await deferrer.ended(id)).state),
  };
}

describe("deferred requests of a pool of several objects", () => {
  test("get the servers of all of them, one request at a time", async () => {
    pool = await SingleFlightPool.start(6, 100, KEYS);
    const { ended } = await deferAll(40);
    expect(await ended()).toEqual(Array(40).fill("answered"));
    expect(pool.rejected).toBe(0);
    // Those of one object alone are two.
    expect(busyServers()).toBeGreaterThan(2);
    const { deferred, totals, inFlight } = await pool.sluice.until("web", (now) => now.inFlight === 0);
    expect(deferred).toMatchObject({ queued: 0, running: 0, answered: 40 });
    expect([totals.accepted, totals.completed, totals.abandoned, inFlight]).toEqual([40, 40, 0, 0]);
  });

  test("are worked once each while every object crashes, twice", async () => {
    pool = await SingleFlightPool.start(6, 50, KEYS);
    const { ended } = await deferAll(60);
    const all = ended();
    for (const name of ["web#1", "web", "web#2", "web", "web#2", "web#1"]) {
      const before = pool.served.length;
      await pool.sluice.crash(name);
      await expect.poll(() => pool.served.length, { timeout: 20_000 }).toBeGreaterThan(before);
    }
    expect(await all).toEqual(Array(60).fill("answered"));
    expect(pool.rejected).toBe(0);
    expect([...pool.served].sort()).toEqual(paths(60).sort());
  });

  test("wait in a drain, and go on in their order when it is over", async () => {
    pool = await SingleFlightPool.start(3, 20, KEYS);
    await pool.sluice.drain("web");
    const { ended } = await deferAll(12);
    const { state } = await pool.sluice.until("web", ({ deferred }) => deferred?.queued === 12);
    expect([state, pool.served.length]).toEqual(["drained", 0]);
    await pool.sluice.resume("web");
    expect(await ended()).toEqual(Array(12).fill("answered"));
    expect(pool.rejected).toBe(0);
  });

  test("can be canceled while another object's server works, whose slot is free again then", async () => {
    pool = await SingleFlightPool.start(3, 3_000, { ...KEYS, on_client_abort: "cancel" });
    const deferrer = client();
    const ids = await inTurns(paths(3), 3, (path) => deferrer.defer(path));
    const { servers } = await pool.sluice.until("web", ({ inFlight }) => inFlight === 3);
    expect(servers.filter(({ leases }) => leases.length === 1).map(({ shard }) => shard)).toEqual([0, 1, 2]);
    const answers = await Promise.all(ids.map((id) => deferrer.cancel(id)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    await pool.sluice.until("web", ({ inFlight, deferred }) => inFlight === 0 && deferred?.running === 0);
    expect(pool.rejected).toBe(0);
  });
});
