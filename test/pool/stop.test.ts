import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PROTOCOL } from "../../src/link/protocol.ts";
import { act } from "../support/act.ts";
import { PoolObject } from "../support/pool-object.ts";

const SECOND = 1_000;
const STOP = { owner: "move", message: "Back at nine.", expiresMs: null };
const DRAIN = { owner: "move", reason: null, expiresMs: null };
const STOPPED = { granted: false, code: "stopped", message: "Back at nine." };

let object: PoolObject;

beforeEach(() => {
  vi.useFakeTimers();
  object = new PoolObject({ deferred: {} });
  object.answer = () => "begun";
});
afterEach(() => void vi.useRealTimers());

const enter = (id: string, more: object = {}) => object.pool.enter({ protocol: PROTOCOL, id, ...more });

/** What it is told in the end, with a ticket or without. */
async function answerTo(entering: ReturnType<typeof enter>): Promise<unknown> {
  const answer = await entering;
  return answer.granted || answer.code !== "queued" ? answer : answer.ticket.turn();
}

function defer(): unknown {
  const acceptedAt = Date.now();
  const order = { hashKey: null, flow: null, aheadMs: 0, token: null };
  const path = { method: "POST", path: "/", key: null, fingerprint: "", former: null, ...order };
  return object.pool.defer({ id: "f".repeat(96), acceptedAt, expiresAt: acceptedAt + 3_600_000, ...path });
}

describe("a pool that is stopped", () => {
  test("tells who waits, with a ticket or without, and who comes, and grants again after resume", async () => {
    await enter("a");
    const waiting = [answerTo(enter("b"))];
    await object.pass(SECOND);
    waiting.push(answerTo(enter("c")));
    expect(await object.pool.stop(STOP, act())).toMatchObject({
      answer: "done",
      snapshot: { state: "stopping", queued: 0, drain: { stop: { message: "Back at nine." } } },
    });
    expect(await Promise.all([...waiting, enter("d")])).toMatchObject([STOPPED, STOPPED, STOPPED]);
    await object.pool.end([{ id: "a", end: { how: "done", status: 200 } }]);
    expect(object.snapshot().state).toBe("stopped");
    object.pool.resume({ owner: "move", force: "no" }, act());
    expect((await enter("e")).granted).toBe(true);
  });

  test("refuses the next request after a crash at that very moment", async () => {
    object.pool.stop(STOP, act());
    object.lose();
    expect(await enter("a")).toMatchObject(STOPPED);
  });

  test("neither stores a request nor asks for that", async () => {
    object = new PoolObject({ deferred: { when: "drained" } });
    object.pool.drain(DRAIN, act());
    expect(await enter("a", { mayDefer: true })).toEqual({ granted: false, code: "defer" });
    object.pool.stop(STOP, act());
    expect(await enter("b", { mayDefer: true })).toMatchObject(STOPPED);
    expect(defer()).toMatchObject({ code: "stopped", message: "Back at nine." });
  });

  test("by somebody else is held", async () => {
    object.pool.drain({ ...DRAIN, owner: "deploy" }, act());
    expect(await object.pool.stop(STOP, act())).toMatchObject({
      answer: "drain-held",
      snapshot: { state: "drained", drain: { owner: "deploy", stop: null } },
    });
    expect(object.pool.audit({ limit: 1, before: null })).toMatchObject([
      { act: "stop", owner: "move", message: "Back at nine.", answer: "drain-held" },
    ]);
  });
});

describe("a cut", () => {
  test("ends the wait for the drain, and takes the lease from its holder", async () => {
    await enter("a");
    object.pool.drain({ ...DRAIN, cutMs: 2 * SECOND }, act());
    const drained = object.pool.whenDrained(60 * SECOND);
    await object.pass(2 * SECOND);
    expect(await drained).toMatchObject({ state: "drained", inFlight: 1, drain: { cut: { done: true } } });
    expect(object.pool.attach("a")?.renew()).toBe(false);
  });

  test("of a deferred request has its object asked what became of it", async () => {
    expect(defer()).toMatchObject({ code: "deferred" });
    await object.pass(1);
    const [turn] = object.turns;
    object.pool.drain({ ...DRAIN, cutMs: 2 * SECOND }, act());
    await object.pass(2 * SECOND);
    expect(object.turns[1]).toEqual({ id: turn?.id, ticket: turn?.ticket, granted: null });
  });
});
