import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Lease, PROTOCOL } from "../../src/link/protocol.ts";
import { act } from "../support/act.ts";
import { PoolObject } from "../support/pool-object.ts";

const SECOND = 1_000;
const CUT = { owner: "deploy", reason: null, expiresMs: null, cutMs: SECOND };

let object: PoolObject;
beforeEach(() => {
  vi.useFakeTimers();
  object = new PoolObject({ quarantine: { max: "1h" } });
});
afterEach(() => void vi.useRealTimers());

/** The only slot is a lease by this name from now on. */
async function enter(id: string): Promise<void> {
  const answer = object.pool.enter({ protocol: PROTOCOL, id });
  await object.pass(1);
  expect(await answer).toMatchObject({ granted: true });
}

const states = () => object.snapshot().servers[0]?.leases.map(({ quarantined }) => quarantined);

/** What a holder is told, in its order. */
function listen(lease: Lease | null): string[] {
  const told: string[] = [];
  lease?.untilCut().then((why) => told.push(why));
  return told;
}

describe("the holder of a lease", () => {
  test("is told by its handle that an operator has freed its slot", async () => {
    await enter("a");
    const told = listen(object.pool.attach("a"));
    await object.pass(SECOND);
    expect(told).toEqual([]);
    object.pool.freeLease("a", act());
    await object.pass(1);
    expect(told).toEqual(["freed"]);
    expect(object.pool.attach("a")).toBeNull();
  });

  test("is told that a drain has cut it off, and that its slot is not its own any more", async () => {
    await enter("a");
    const handle = object.pool.attach("a");
    const told = listen(handle);
    object.pool.drain(CUT, act());
    await object.pass(SECOND - 1);
    expect([told, handle?.renew()]).toEqual([[], true]);
    await object.pass(1);
    expect([told, handle?.renew()]).toEqual([["cut"], false]);
  });

  test("is told so when it attaches, if it had no handle by then", async () => {
    await enter("a");
    object.pool.drain(CUT, act());
    await object.pass(SECOND);
    const told = listen(object.pool.attach("a"));
    await object.pass(1);
    expect(told).toEqual(["cut"]);
  });

  test("is told so by the next instance, if the object has restarted before the cut, or after it", async () => {
    await enter("a");
    object.pool.drain(CUT, act());
    object.lose();
    const before = listen(object.pool.attach("a"));
    await object.pass(SECOND);
    expect(before).toEqual(["cut"]);
    object.lose();
    const after = listen(object.pool.attach("a"));
    await object.pass(1);
    expect(after).toEqual(["cut"]);
  });

  test("that was cut off and is gone before it could say how its request ended leaves the slot in quarantine", async () => {
    await enter("a");
    const handle = object.pool.attach("a");
    object.pool.drain(CUT, act());
    await object.pass(SECOND);
    handle?.[Symbol.dispose]();
    await object.pass(60 * SECOND);
    expect(states()).toEqual([true]);
  });
});
