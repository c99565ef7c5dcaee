import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type EnterRequest, type Granted, PROTOCOL, type Queued } from "../../src/link/protocol.ts";
import type { ShardOrders } from "../../src/link/shards.ts";
import { act } from "../support/act.ts";
import { PoolObject } from "../support/pool-object.ts";

const DRAIN = { owner: "deploy", reason: null, expiresMs: null };
const DONE = { how: "done", status: 200 } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

let calls = 0;
const enter = (object: PoolObject, id: string, wants: Partial<EnterRequest> = {}) =>
  object.pool.enter({ protocol: PROTOCOL, id, caller: { isolate: "one", call: ++calls }, ...wants });

/** One has the slot of the only server, one waits, and their isolate was told that it is next. */
async function withNext(object: PoolObject): Promise<{ waiting: ReturnType<typeof enter> }> {
  void enter(object, "has");
  const waiting = enter(object, "next");
  const told = object.pool.end([], { isolate: "one", passed: [] });
  await vi.advanceTimersByTimeAsync(60);
  expect((await told)?.calls).toEqual([calls]);
  return { waiting };
}

/** Whether it has ended by itself, with no time passing. */
async function isOver(work: Promise<unknown>): Promise<boolean> {
  let over = false;
  void work.then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return over;
}

describe("a drain, where an isolate was told who is next,", () => {
  test("is answered once the isolate has confirmed that it passes nothing on", async () => {
    const object = new PoolObject();
    const { waiting } = await withNext(object);
    const drained = object.pool.drain(DRAIN, act());
    const { ticket, next } = (await waiting) as Queued;
    expect(next?.calls).toEqual([]);
    expect(await isOver(drained)).toBe(false);
    void ticket.turn();
    expect(await isOver(drained)).toBe(true);
  });

  test("is answered after a second if that says nothing, and what follows is not kept waiting for it", async () => {
    const object = new PoolObject();
    await withNext(object);
    const drained = object.pool.drain(DRAIN, act());
    await vi.advanceTimersByTimeAsync(999);
    expect(await isOver(drained)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await isOver(drained)).toBe(true);
    expect(await isOver(object.pool.drain({ ...DRAIN, expiresMs: 60_000 }, act()))).toBe(true);
  });

  test("is answered at once if the isolate has asked again by another call", async () => {
    const object = new PoolObject();
    await withNext(object);
    const drained = object.pool.drain(DRAIN, act());
    expect(await isOver(drained)).toBe(false);
    void enter(object, "next");
    expect(await isOver(drained)).toBe(true);
  });
});

test("a pass is heard also of a request that is to be stored", async () => {
  const object = new PoolObject({ deferred: {} });
  const { waiting } = await withNext(object);
  const drained = object.pool.drain(DRAIN, act());
  const { ticket } = (await waiting) as Queued;
  const turn = ticket.turn();
  await drained;
  const passed = [{ lease: "has", server: "web-1", hop: 1, end: DONE, to: "next", agoMs: 0 }];
  expect(await enter(object, "stored", { mayDefer: true, passed })).toMatchObject({ code: "defer" });
  expect(await isOver(turn)).toBe(true);
  expect(await turn).toMatchObject({ code: "served" });
});

test("a request whose call says that its own ticket ended unused before is not taken for one that left", async () => {
  const object = new PoolObject();
  const unused = { id: "again", end: { how: "unused", served: true } } as const;
  const answer = enter(object, "again", { ended: [unused] });
  await vi.advanceTimersByTimeAsync(600);
  expect(await answer).toMatchObject({ granted: true });
});

test("a lease that was granted just before its server is taken out is not passed on", async () => {
  const object = new PoolObject({ slots: 3 });
  const before = [enter(object, "a"), enter(object, "b")];
  await vi.advanceTimersByTimeAsync(60);
  await Promise.all(before);
  const granted = enter(object, "c");
  await object.pool.changeServer("web-1", { patch: { state: "drain" } }, act());
  const { pass, next } = (await granted) as Granted;
  expect(pass?.version ?? 0).toBeLessThan(next?.notBefore ?? 0);
  // Nor where its holder asks again.
  const repeated = enter(object, "c");
  await vi.advanceTimersByTimeAsync(60);
  const { pass: again } = (await repeated) as Granted;
  expect(again?.version ?? 0).toBeLessThan(next?.notBefore ?? 0);
});

test("orders for one of several objects count as followed once its isolates have confirmed that they pass nothing on", async () => {
  const object = new PoolObject({ shards: 2 }, "web#1");
  const owned = ["http://web-1.example"];
  const nothing = { drain: null, overrides: [], registered: [], down: [], isDeferredFull: false };
  const orders = (version: number, held: Pick<ShardOrders, "owned" | "leaving">) =>
    object.pool.obey({ version, shards: 2, ...held, ...nothing });
  const versions = () => object.reports.map(({ version }) => version);
  expect((await orders(1, { owned, leaving: [] })).version).toBe(1);
  const { waiting } = await withNext(object);
  const obeyed = orders(2, { owned: [], leaving: owned });
  const { ticket } = (await waiting) as Queued;
  expect(await isOver(obeyed)).toBe(false);
  expect(Math.max(...versions())).toBe(1);
  void ticket.turn();
  expect((await obeyed).version).toBe(2);
  await vi.advanceTimersByTimeAsync(100);
  expect(versions().at(-1)).toBe(2);
});

test("orders that are older than what one of several objects has followed before a restart do not count as followed", async () => {
  const object = new PoolObject({ shards: 2 }, "web#1");
  const nothing = { drain: null, overrides: [], registered: [], down: [], isDeferredFull: false };
  const orders = (version: number) =>
    object.pool.obey({ version, shards: 2, owned: [], leaving: [], ...nothing });
  await orders(5);
  object.lose();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  onTestFinished(() => void vi.unstubAllGlobals());
  expect((await orders(4)).version).toBe(0);
  expect((await orders(5)).version).toBe(5);
});
