import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Granted,
  type NotGranted,
  PROTOCOL,
  type Queued,
  type Served,
} from "../../src/link/protocol.ts";
import { Ledger } from "../../src/pool/ledger.ts";
import { LEASE_TTL_MS } from "../../src/scheduler/fleet/leases.ts";
import type { Caller } from "../../src/scheduler/terms/passing.ts";
import { act } from "../support/act.ts";
import { PoolObject } from "../support/pool-object.ts";

type Answer = Served | Granted | Queued | NotGranted;

const DRAIN = { owner: "deploy", reason: null, expiresMs: null };
const SECOND = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What a later instance would find. */
const onRecord = (object: PoolObject) => new Ledger(object.storage.asPlatform).load();
const slotsOnRecord = (object: PoolObject) =>
  onRecord(object).slots.map(({ lease, state }) => `${lease} ${state}`);

interface Known {
  token?: number;
  waitedMs?: number;
  sentAt?: number;
  caller?: Caller;
}

/** What it is told within a second. */
async function enter(object: PoolObject, id: string, known: Known = {}): Promise<Answer> {
  const answer = ask(object, id, known);
  vi.advanceTimersByTime(SECOND);
  return answer;
}

const ask = (object: PoolObject, id: string, known: Known = {}) =>
  object.pool.enter({ protocol: PROTOCOL, id, ...known });

function queuedOf(answer: Answer): Queued {
  if (answer.granted || answer.code !== "queued") throw new Error(`not queued: ${JSON.stringify(answer)}`);
  return answer;
}

/** Its server has sent its last byte. */
const done = (object: PoolObject, id: string) => object.pool.end([{ id, end: { how: "done", status: 200 } }]);

describe("an instance that has been replaced", () => {
  test("ends itself within seconds, also if all it does is to let requests wait", async () => {
    const object = new PoolObject();
    object.pool.drain(DRAIN, act());
    queuedOf(await enter(object, "waits"));
    object.storage.replaced = true;
    expect(() => vi.advanceTimersByTime(10 * SECOND)).toThrow("replaced");
    expect(object.aborts).toHaveLength(1);
  });

  test("tells nobody of a slot that it cannot put on record", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    const { ticket } = queuedOf(await enter(object, "b"));
    const told = vi.fn();
    void ticket.turn().then(told);
    object.storage.replaced = true;
    expect(() => done(object, "a")).toThrow("replaced");
    await Promise.resolve();
    expect(told).not.toHaveBeenCalled();
    expect(object.aborts).toHaveLength(1);
  });
});

test("what was counted outlives a crash that comes some seconds later, and a drain one that comes at once", async () => {
  const object = new PoolObject();
  await enter(object, "a");
  await object.pass(20 * SECOND);
  void done(object, "a");
  await object.pass(6 * SECOND);
  object.lose();
  expect(object.snapshot().totals).toMatchObject({ accepted: 1, completed: 1 });
  object.pool.drain(DRAIN, act());
  object.lose();
  expect(object.pool.counts().drains).toBe(1);
});

test("a drain that is extended again and again is in the audit as often, though only now and then written", async () => {
  const object = new PoolObject();
  const exec = vi.spyOn(object.storage.sql, "exec");
  for (let n = 0; n < 100; n++) {
    object.pool.drain(DRAIN, act());
    await object.pass(10);
  }
  const written = exec.mock.calls.filter(([sql]) => sql.includes("INTO audit")).length;
  expect(written).toBeLessThan(4);
  await object.pass(6 * SECOND);
  object.lose();
  expect(object.pool.audit({ limit: 9, before: null })).toMatchObject([{ act: "drain", count: 100 }]);
});

test("a slot is freed, of which nobody says that it is theirs, after as long as a holder would have said so, restarts or not", async () => {
  const object = new PoolObject();
  await enter(object, "a", { caller: { isolate: "one", call: 1 } });
  object.lose();
  // It was closed by an operator before the restart, and its holder has not said a word.
  object.pool.changeServer("web-1", { patch: { state: "drain", cut: 0 } }, act());
  await object.pass(SECOND);
  const [same, askedAt] = [act(), Date.now()];
  for (let restart = 0; restart < 3; restart++) {
    object.lose();
    void object.pool.freeLease("a.restarted", same, Date.now() - askedAt);
    await object.pass(3.9 * SECOND);
    expect(object.snapshot()).toMatchObject({ inFlight: 1 });
  }
  object.lose();
  void object.pool.freeLease("a.restarted", same, Date.now() - askedAt);
  await object.pass(0.5 * SECOND);
  expect(object.snapshot()).toMatchObject({ inFlight: 0 });
});

describe("an operator's call that is repeated, as its answer was lost, is answered as it was at first, and noted once:", () => {
  const audit = (object: PoolObject) =>
    object.pool.audit({ limit: 9, before: null }).map((entry) => `${entry.act} ${entry.answer}`);
  const resumed = { owner: DRAIN.owner, force: "no" } as const;

  test("a resume, after which there is no drain any more", async () => {
    const object = new PoolObject();
    object.pool.drain(DRAIN, act());
    const same = act();
    expect((await object.pool.resume(resumed, same)).answer).toBe("done");
    object.lose();
    expect((await object.pool.resume(resumed, same)).answer).toBe("done");
    expect(audit(object)).toEqual(["resume done", "drain done"]);
  });

  test("a slot that was freed, after which there is no such lease any more", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    const same = act();
    expect(await object.pool.freeLease("a", same)).toMatchObject({ inFlight: 0 });
    object.lose();
    expect(await object.pool.freeLease("a", same)).toMatchObject({ inFlight: 0 });
    expect(audit(object)).toEqual(["free-slot done"]);
  });

  test("a server's, which is not any more in the state in which it was to be changed", async () => {
    const object = new PoolObject();
    const [change, same] = [{ patch: { state: "drain" }, ifState: "ready" } as const, act()];
    expect(await object.pool.changeServer("web-1", change, same)).toHaveProperty("servers");
    object.lose();
    expect(await object.pool.changeServer("web-1", change, same)).toHaveProperty("servers");
    expect(audit(object)).toEqual(["change-server done"]);
  });

  test("one of a server that there was not, though a deploy has added it since", async () => {
    const object = new PoolObject();
    const [change, same] = [{ patch: { state: "maint" } } as const, act()];
    expect(await object.pool.changeServer("web-2", change, same)).toBeNull();
    object.deploy({ servers: [1, 2].map((n) => ({ name: `web-${n}`, url: `http://web-${n}.example` })) });
    expect(await object.pool.changeServer("web-2", change, same)).toBeNull();
    expect(object.snapshot().servers[1]).toMatchObject({ name: "web-2", state: "ready" });
    expect(audit(object)).toEqual(["change-server unknown-server"]);
  });

  test("a drain that another one was in the way of: it does not begin, though that is over by then", async () => {
    const object = new PoolObject();
    await object.pool.drain(DRAIN, act());
    const [other, same] = [{ ...DRAIN, owner: "other" }, act()];
    expect((await object.pool.drain(other, same)).answer).toBe("drain-held");
    object.pool.resume(resumed, act());
    const { answer, snapshot } = await object.pool.drain(other, same);
    expect([answer, snapshot.state]).toEqual(["drain-held", "running"]);
    expect(audit(object)).toEqual(["resume done", "drain drain-held", "drain done"]);
  });

  test("what was done to a deferred request", () => {
    const object = new PoolObject();
    const same = act();
    for (let call = 0; call < 2; call++) {
      object.pool.auditDeferred({ act: "cancel-deferred", number: 1 }, "done", same);
      object.lose();
    }
    expect(audit(object)).toEqual(["cancel-deferred done"]);
  });
});

test("where nobody waits any more, nothing is written for it", async () => {
  const object = new PoolObject();
  object.pool.drain(DRAIN, act());
  const { ticket } = queuedOf(await enter(object, "waits"));
  ticket.leave();
  await vi.advanceTimersByTimeAsync(10 * SECOND);
  const exec = vi.spyOn(object.storage.sql, "exec");
  await vi.advanceTimersByTimeAsync(60 * SECOND);
  expect(exec).not.toHaveBeenCalled();
});

test("a slot whose grant was told is taken for who comes after a crash at that very moment", async () => {
  const object = new PoolObject();
  const entering = ask(object, "a");
  vi.advanceTimersByTime(0);
  expect((await entering).granted).toBe(true);
  object.lose();
  queuedOf(await enter(object, "b"));
  await vi.advanceTimersByTimeAsync(3 * SECOND);
  expect(slotsOnRecord(object)).toEqual(["a orphaned"]);
});

describe("in an object that was evicted, and that nobody asks", () => {
  test("a drain ends when it is due", async () => {
    const object = new PoolObject();
    object.pool.drain({ ...DRAIN, expiresMs: 3_600 * SECOND }, act());
    object.lose();
    await object.pass(3_599 * SECOND);
    expect(onRecord(object).drain).not.toBeNull();
    await object.pass(2 * SECOND);
    expect(onRecord(object).drain).toBeNull();
  });

  test("a drain ends when it is due, though one before it did so before the eviction", async () => {
    const object = new PoolObject();
    object.pool.drain({ ...DRAIN, expiresMs: 3_600 * SECOND }, act());
    await object.pass(3_601 * SECOND);
    object.pool.drain({ ...DRAIN, expiresMs: 3_600 * SECOND }, act());
    object.lose();
    await object.pass(3_601 * SECOND);
    expect(onRecord(object).drain).toBeNull();
  });

  test("a cut is made when it is due, and its slot opens when it may", async () => {
    const object = new PoolObject({ quarantine: { max: "20m" } });
    await enter(object, "a");
    object.pool.drain({ ...DRAIN, expiresMs: 3_600 * SECOND, cutMs: 20 * SECOND }, act());
    object.lose();
    await object.pass(19 * SECOND);
    expect(slotsOnRecord(object)).toEqual(["a leased"]);
    await object.pass(2 * SECOND);
    expect([slotsOnRecord(object), onRecord(object).drain?.isCut]).toEqual([["a cut"], true]);
    object.lose();
    await object.pass(1_300 * SECOND);
    expect(slotsOnRecord(object)).toEqual([]);
  });

  test("the leases of one server are cut off when that is due", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    object.pool.changeServer("web-1", { patch: { state: "drain", cut: 20 * SECOND } }, act());
    object.lose();
    await object.pass(21 * SECOND);
    expect(slotsOnRecord(object)).toEqual(["a cut"]);
  });

  test("each quarantine ends when it is due", async () => {
    const object = new PoolObject({ quarantine: { max: "10m" }, slots: 2 });
    for (const id of ["a", "b"]) {
      await enter(object, id);
      void object.pool.end([{ id, end: { how: "timeout" } }]);
      vi.advanceTimersByTime(120 * SECOND);
    }
    object.lose();
    await object.pass(350 * SECOND);
    expect(slotsOnRecord(object)).toEqual(["a quarantined", "b quarantined"]);
    await object.pass(20 * SECOND);
    expect(slotsOnRecord(object)).toEqual(["b quarantined"]);
    object.lose();
    await object.pass(120 * SECOND);
    expect(slotsOnRecord(object)).toEqual([]);
  });

  test("the slot of a holder that went with the last instance is free in the end", async () => {
    const object = new PoolObject({ quarantine: { max: "10m" } });
    await enter(object, "a");
    object.lose();
    object.snapshot();
    object.lose();
    await object.pass(LEASE_TTL_MS + SECOND);
    expect(slotsOnRecord(object)).toEqual(["a quarantined"]);
    object.lose();
    await object.pass(600 * SECOND);
    expect(slotsOnRecord(object)).toEqual([]);
  });

  test("nothing happens, and it is not woken, where nothing is due", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    void done(object, "a");
    vi.advanceTimersByTime(SECOND);
    expect(slotsOnRecord(object)).toEqual([]);
    expect(object.storage.alarm).toBeNull();
  });
});

/** Whom the pool takes, one after the other, once its drain is over. */
async function servedAfterDrain(object: PoolObject, ids: string[]): Promise<string[]> {
  const order: string[] = [];
  for (const id of ids) {
    const { ticket } = queuedOf(await enter(object, id));
    void ticket.turn().then((turn) => turn.granted && order.push(id));
  }
  object.pool.resume({ owner: DRAIN.owner, force: "no" }, act());
  for (let served = 0; served < ids.length; served++) {
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(order).toHaveLength(served + 1);
    void done(object, order[served] as string);
  }
  return order;
}

describe("order is kept through crashes", () => {
  test("with arrivals in between: a token that was told is never given again, and later ones are greater", async () => {
    const object = new PoolObject();
    object.pool.drain(DRAIN, act());
    const tokens = new Map<string, number>();
    const arrive = async (...ids: string[]) => {
      // All in the same millisecond.
      const answers = ids.map((id) => ask(object, id));
      vi.advanceTimersByTime(SECOND);
      for (const [n, id] of ids.entries()) tokens.set(id, queuedOf((await answers[n]) as Answer).token);
    };
    await arrive("a", "b");
    object.lose();
    await arrive("c", "d");
    object.lose();
    await arrive("e", "f");
    const told = [...tokens.values()];
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
    const back = [...tokens].filter(([id]) => "abcd".includes(id)).reverse();
    for (const [id, token] of back) await enter(object, id, { token });
    expect(await servedAfterDrain(object, [...tokens.keys()])).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("for who was told no token, too: by how long it has waited it goes before who came later and was told one", async () => {
    const object = new PoolObject();
    const arrivedAt = Date.now();
    const waited = () => ({ waitedMs: Date.now() - arrivedAt });
    await ask(object, "in flight");
    const told = vi.fn();
    void ask(object, "a").then(told);
    await vi.advanceTimersByTimeAsync(100);
    object.lose();
    void ask(object, "a", waited()).then(told);
    await vi.advanceTimersByTimeAsync(100);
    object.pool.drain(DRAIN, act());
    const toldAtOnce = ask(object, "b");
    await vi.advanceTimersByTimeAsync(100);
    const { token } = queuedOf(await toldAtOnce);
    object.lose();
    await done(object, "in flight");
    await enter(object, "b", { token });
    expect(told).not.toHaveBeenCalled();
    await enter(object, "a", waited());
    expect(await servedAfterDrain(object, ["b", "a"])).toEqual(["a", "b"]);
  });

  test("for who was told no token, however long each call waited for the object to start", async () => {
    const object = new PoolObject();
    await ask(object, "in flight");
    const arrivedAt = Date.now();
    for (const id of ["a", "b"]) {
      void ask(object, id);
      vi.advanceTimersByTime(5);
    }
    object.lose();
    // Each has paused for a time of its own.
    const again = [
      { id: "a", waitedMs: 20, sentAt: arrivedAt + 20 },
      { id: "b", waitedMs: 195, sentAt: arrivedAt + 200 },
    ];
    vi.advanceTimersByTime(500);
    object.pool.drain(DRAIN, act());
    await done(object, "in flight");
    for (const { id, ...known } of again) void ask(object, id, known);
    vi.advanceTimersByTime(SECOND);
    expect(await servedAfterDrain(object, ["a", "b"])).toEqual(["a", "b"]);
  });

  test("for who was told no token, also if a Worker's clock is wrong: by how long it has waited", async () => {
    const object = new PoolObject();
    await ask(object, "in flight");
    vi.advanceTimersByTime(1_000);
    object.lose();
    object.pool.drain(DRAIN, act());
    await done(object, "in flight");
    void ask(object, "behind", { waitedMs: 10_000, sentAt: Date.now() - 3_600_000 });
    void ask(object, "ahead", { waitedMs: 30_000, sentAt: Date.now() + 3_600_000 });
    vi.advanceTimersByTime(SECOND);
    expect(await servedAfterDrain(object, ["behind", "ahead"])).toEqual(["ahead", "behind"]);
  });
});

describe("a ticket whose Worker does not ask by its handle", () => {
  const totalsOf = (object: PoolObject) => object.snapshot().totals;

  test("leaves the list, as it is gone: nobody says so of a handle that never arrived", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    queuedOf(await enter(object, "b"));
    await object.pass(5 * SECOND);
    expect(object.snapshot()).toMatchObject({ queued: 0, inFlight: 1 });
    expect(totalsOf(object)).toMatchObject({ accepted: 2, abandoned: 1 });
  });

  test("has used no slot that it was granted meanwhile: the next one gets it, and the server rests for nobody", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    queuedOf(await enter(object, "b"));
    void done(object, "a");
    await object.pass(100);
    expect(slotsOnRecord(object)).toEqual(["b leased"]);
    const next = ask(object, "c");
    await object.pass(SECOND);
    void queuedOf(await next).ticket.turn();
    await object.pass(5 * SECOND);
    expect(slotsOnRecord(object)).toEqual(["c leased"]);
    expect(object.snapshot()).toMatchObject({ queued: 0, inFlight: 1, quarantined: 0 });
  });

  test("has to enter again if it asks after all, and then keeps its turn", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    const { ticket, token } = queuedOf(await enter(object, "b"));
    const { ticket: of } = queuedOf(await enter(object, "c"));
    const c = vi.fn();
    void of.turn().then(c);
    await object.pass(5 * SECOND);
    await expect(ticket.turn()).rejects.toThrow("nothing was heard");
    const again = ask(object, "b", { token });
    void done(object, "a");
    await object.pass(100);
    expect(await again).toMatchObject({ granted: true });
    expect(c).not.toHaveBeenCalled();
    void done(object, "b");
    await object.pass(100);
    expect(totalsOf(object)).toMatchObject({ accepted: 3, completed: 2, abandoned: 0 });
  });

  test("is not taken for gone by an object that was kept from running: what has arrived meanwhile counts", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    const { ticket } = queuedOf(await enter(object, "b"));
    vi.setSystemTime(Date.now() + 60 * SECOND);
    vi.advanceTimersByTime(0);
    void ticket.turn();
    await object.pass(20 * SECOND);
    expect(object.snapshot().queued).toBe(1);
  });

  test("which leaves after it was granted a slot is told no grant any more: somebody else may have the slot", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    const { ticket } = queuedOf(await enter(object, "b"));
    void done(object, "a");
    await object.pass(100);
    expect(slotsOnRecord(object)).toEqual(["b leased"]);
    ticket.leave();
    await object.pass(100);
    expect(slotsOnRecord(object)).toEqual([]);
    expect(await ticket.turn()).toMatchObject({ granted: false, code: "left" });
  });

  test("is told that it was refused, if it asks after all", async () => {
    const object = new PoolObject({ queue_timeout: "1s" });
    await enter(object, "a");
    const answer = ask(object, "b");
    await object.pass(600);
    const { ticket } = queuedOf(await answer);
    await object.pass(10 * SECOND);
    expect(await ticket.turn()).toMatchObject({ granted: false, code: "queue-timeout" });
    expect(totalsOf(object)).toMatchObject({ abandoned: 0, refused: { "queue-timeout": 1 } });
  });

  test("is not told of a slot that an operator has freed meanwhile: it enters again", async () => {
    const object = new PoolObject();
    await enter(object, "a");
    const { ticket } = queuedOf(await enter(object, "b"));
    void done(object, "a");
    await object.pass(100);
    await object.pool.freeLease("b", act());
    await expect(ticket.turn()).rejects.toThrow("nothing was heard");
  });

  test("is not told until when it may pass its lease on, which was counted from before", async () => {
    const object = new PoolObject();
    const caller = (call: number) => ({ caller: { isolate: "one", call } });
    await enter(object, "a", caller(1));
    const { ticket } = queuedOf(await enter(object, "b", caller(2)));
    const c = ask(object, "c", caller(3));
    void done(object, "a");
    await object.pass(100);
    const late = await ticket.turn();
    expect(late).toMatchObject({ granted: true });
    expect(late).not.toHaveProperty("pass");
    await object.pass(SECOND);
    const turn = queuedOf(await c).ticket.turn();
    void done(object, "b");
    await object.pass(100);
    expect(await turn).toHaveProperty("pass");
  });

  test("is not taken for gone while the storage holds back what it was sent", async () => {
    const object = new PoolObject();
    const stored = Promise.withResolvers<void>();
    vi.spyOn(object.storage, "sync").mockReturnValue(stored.promise);
    await enter(object, "a");
    const { ticket } = queuedOf(await enter(object, "b"));
    await object.pass(60 * SECOND);
    expect(object.snapshot().queued).toBe(1);
    stored.resolve();
    await object.pass(SECOND);
    void ticket.turn();
    await object.pass(10 * SECOND);
    expect(object.snapshot().queued).toBe(1);
  });

  test("which has asked, has gone, and was granted a slot before it would have asked again, has not used that", async () => {
    const object = new PoolObject();
    await enter(object, "a", { caller: { isolate: "one", call: 1 } });
    const answer = ask(object, "b", { caller: { isolate: "one", call: 2 } });
    await object.pass(SECOND);
    const { ticket } = queuedOf(await answer);
    const turn = ticket.turn();
    void object.pool.end([], { isolate: "one", passed: [] });
    await object.pass(100);
    void object.pool.drain(DRAIN, act());
    await object.pass(10);
    expect(await turn).toMatchObject({ code: "again" });
    object.pool.resume({ owner: "deploy", force: "no" }, act());
    void done(object, "a");
    await object.pass(100);
    expect(slotsOnRecord(object)).toEqual(["b leased"]);
    (ticket as unknown as Disposable)[Symbol.dispose]();
    await object.pass(100);
    expect(slotsOnRecord(object)).toEqual([]);
  });
});

test("a slot that was given to a ticket and taken back in the same commit is not told to its next call", async () => {
  const object = new PoolObject();
  await enter(object, "a");
  const { ticket: b } = queuedOf(await enter(object, "b"));
  const { ticket: c, token } = queuedOf(await enter(object, "c"));
  const { ticket: d } = queuedOf(await enter(object, "d"));
  void c.turn();
  const next = d.turn();
  void done(object, "a");
  await object.pass(100);
  expect(slotsOnRecord(object)).toEqual(["b leased"]);
  // It has not read of its slot, which goes to c, whose call breaks, and comes again.
  b.leave();
  (c as unknown as Disposable)[Symbol.dispose]();
  const told = vi.fn();
  void ask(object, "c", { token }).then(told);
  await object.pass(100);
  expect(await next).toMatchObject({ granted: true });
  expect(slotsOnRecord(object)).toEqual(["d leased"]);
  expect(told).not.toHaveBeenCalled();
});
