import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { act } from "../../support/act.ts";
import { PoolObject } from "../../support/pool-object.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** All that a pool of one object is asked for, and what its storage has then. */
async function life(keys: Record<string, unknown>) {
  const object = new PoolObject(keys);
  const done = { how: "done", status: 200 } as const;
  const entered = [
    object.pool.enter({ protocol: 1, id: "t1" }),
    object.pool.enter({ protocol: 1, id: "t2" }),
  ];
  await entered[0];
  await object.pool.end([{ id: "t1", end: done }]);
  await entered[1];
  await object.pool.drain({ owner: "me", reason: null, expiresMs: null }, act());
  await object.pool.end([{ id: "t2", end: done }]);
  await object.pool.whenDrained(0);
  await object.pool.resume({ owner: "me", force: "no" }, act());
  await object.pool.changeServer("web-1", { patch: { state: "drain" } }, act());
  const said = { name: "b", url: "http://b.example", slots: null, weight: 1, backup: false };
  object.pool.register({ ...said, expiresMs: 60_000, renews: false }, act());
  await object.pool.deregister("b", null, act());
  await object.pool.freeLease("none", act());
  await object.pool.metrics();
  object.lose();
  const snapshot = object.snapshot();
  return { object, snapshot };
}

describe("a pool of one object", () => {
  const keys = { register: { urls: ["*"] } };

  test("asks no other object for anything, and keeps nothing of any", async () => {
    const { object, snapshot } = await life(keys);
    expect(object.calls).toEqual([]);
    expect(object.rows("SELECT * FROM owners")).toEqual([]);
    const kept = object.rows("SELECT key FROM meta").map(({ key }) => key);
    expect(kept.filter((key) => /owner|followed|counts|adopted/.test(String(key)))).toEqual([]);
    expect(snapshot.shards).toBeUndefined();
    expect(snapshot.servers.every(({ shard }) => shard === undefined)).toBe(true);
  });

  test("is the same whether its configuration says so or says nothing", async () => {
    const [said, unsaid] = [await life({ ...keys, shards: 1 }), await life(keys)];
    expect(said.object.calls).toEqual([]);
    for (const table of ["slots", "servers", "registered"])
      expect(said.object.rows(`SELECT count(*) AS rows FROM ${table}`)).toEqual(
        unsaid.object.rows(`SELECT count(*) AS rows FROM ${table}`),
      );
  });

  test("that had several before forgets whose servers were whose, once all are its own again", async () => {
    const object = new PoolObject({ shards: 2 });
    expect(object.pool.snapshot()).toBeInstanceOf(Promise);
    expect(object.rows("SELECT owner FROM owners")).toEqual([{ owner: 0 }]);
    object.deploy({ servers: [{ name: "web-1", url: "http://web-1.example" }], shards: 1 });
    expect(object.snapshot().shards).toBeUndefined();
    expect(object.rows("SELECT owner FROM owners")).toEqual([]);
  });
});

describe("the orders of a pool that is one object and had several", () => {
  const servers = [{ name: "web-1", url: "http://web-1.example" }];
  const quiet = { released: [], down: [], isQuiet: false, isAvailable: true, want: null, room: 0 };

  test("are newer than all that a former shard has followed, and older than those of the next ones", async () => {
    const object = new PoolObject({ servers, shards: 2 });
    const ask = async () => {
      const orders = await object.pool.report({
        shard: 1,
        since: 0,
        number: 1,
        version: 0,
        followed: 0,
        ...quiet,
      });
      return orders ?? expect.unreachable();
    };
    const first = await ask();
    object.deploy({ servers, shards: 1 });
    const alone = await ask();
    expect(alone).toMatchObject({ shards: 1, owned: [], leaving: [] });
    expect(alone.version).toBeGreaterThan(first.version);
    object.lose();
    expect(await ask()).toEqual(alone);
    object.deploy({ servers, shards: 2 });
    const next = await ask();
    expect(next.shards).toBe(2);
    expect(next.version).toBeGreaterThan(alone.version);
  });
});

describe("a pool of two objects", () => {
  test("gives no new orders when a server only says that it is still there", async () => {
    const object = new PoolObject({ shards: 2, register: { urls: ["*"] } });
    const said = { name: "b", url: "http://b.example", slots: null, weight: 1, backup: false };
    const version = () => object.rows("SELECT value FROM meta WHERE key = 'ownership'");
    object.pool.register({ ...said, expiresMs: 60_000, renews: false }, act());
    const before = version();
    await object.pass(100);
    object.pool.register({ ...said, expiresMs: 60_000, renews: true }, act());
    await object.pass(100);
    expect(version()).toEqual(before);
    object.pool.register({ ...said, weight: 2, expiresMs: 60_000, renews: true }, act());
    await object.pass(100);
    expect(version()).not.toEqual(before);
  });
});
