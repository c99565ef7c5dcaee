import { afterEach, describe, expect, test } from "vitest";
import { Deployed, isSpread, Load, objectNames } from "./support.ts";

let pool: Deployed;
afterEach(() => pool.stop());

const ANSWERED = { status: 200, body: "done\n" };

describe("a pool whose number of objects changes by deploys, under load", () => {
  test("gives no slot twice and loses no request from 8 to 3 to 8, with Workers of both versions and crashes of all", async () => {
    pool = await Deployed.start(24, 60, 8);
    const workers = await Promise.all([pool.worker(8), pool.worker(3)]);
    await pool.objects.until("web", isSpread(8));
    const load = new Load(
      workers.map(({ url }) => url),
      30,
    );
    await load.more(100);
    for (const name of objectNames(8)) {
      await pool.objects.crash(name);
      await load.more(20);
    }
    await pool.deployObjects(3);
    await load.more(50);
    for (const name of objectNames(8)) {
      await pool.objects.crash(name);
      await load.more(20);
    }
    await pool.objects.until("web", isSpread(3));
    await load.more(100);
    await pool.deployObjects(8);
    await load.more(100);
    await pool.objects.until("web", isSpread(8));
    await load.end();

    expect(pool.rejected).toBe(0);
    expect(load.answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(load.answers.filter(({ path, query }) => path !== query)).toEqual([]);
    expect(load.answers[0]).toMatchObject(ANSWERED);
    expect(pool.served.sort()).toEqual(load.answers.map(({ path }) => path).sort());
    const { inFlight, queued } = await pool.objects.until("web", (now) => now.inFlight === 0);
    expect({ inFlight, queued }).toEqual({ inFlight: 0, queued: 0 });
  });

  test("gives no slot twice and loses no request from one object to 4 and back to one", async () => {
    pool = await Deployed.start(12, 60, 1);
    const workers = await Promise.all([pool.worker(1), pool.worker(4)]);
    const load = new Load(
      workers.map(({ url }) => url),
      20,
    );
    await load.more(60);
    await pool.deployObjects(4);
    await load.more(60);
    await pool.objects.until("web", isSpread(4));
    for (const name of objectNames(4)) {
      await pool.objects.crash(name);
      await load.more(20);
    }
    await pool.deployObjects(1);
    await load.more(60);
    for (const name of objectNames(4)) {
      await pool.objects.crash(name);
      await load.more(20);
    }
    // What others had is done: the next start of the first object, at the latest, is that of a pool of one.
    await pool.objects.until("web", ({ servers }) => servers.every(({ shard = 0 }) => shard === 0));
    await pool.objects.crash("web");
    await pool.objects.until("web", ({ shards }) => shards === undefined);
    await load.more(60);
    await load.end();

    expect(pool.rejected).toBe(0);
    expect(load.answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(pool.served.sort()).toEqual(load.answers.map(({ path }) => path).sort());
  });
});
