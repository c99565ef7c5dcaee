import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DeferRequest } from "../../src/link/deferral.ts";
import { PROTOCOL } from "../../src/link/protocol.ts";
import { LEASE_TTL_MS } from "../../src/scheduler/fleet/leases.ts";
import { act } from "../support/act.ts";
import { PoolObject } from "../support/pool-object.ts";

let object: PoolObject;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  vi.spyOn(console, "error").mockImplementation(() => {});
  object = new PoolObject({ deferred: { max: 20_000 } });
  object.answer = () => "begun";
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const idOf = (n: number) => n.toString(16).padStart(96, "0");
const objectOf = (n: number) => idOf(n).slice(0, 64);

function request(n: number, rest: Partial<DeferRequest> = {}): DeferRequest {
  const acceptedAt = Date.now();
  const expiresAt = acceptedAt + 3_600_000;
  const keys = { hashKey: null, flow: null, aheadMs: 0, token: null, key: null, former: null };
  const common = { method: "POST", path: `/${n}`, acceptedAt, expiresAt, ...keys };
  return { ...common, id: idOf(n), fingerprint: "", ...rest };
}

const drain = () => object.pool.drain({ owner: "deploy", reason: null, expiresMs: 7_200_000 }, act());
const resume = () => object.pool.resume({ owner: "deploy", force: "no" }, act());
const deferred = () => object.snapshot().deferred;
const settle = () => object.pass(1);
const CANCELED = { state: "canceled" as const, status: null, code: null, attempts: 0, startedAt: null };
/** The object of the last turn is done. */
function answered(n: number, ticket = object.turns.at(-1)?.ticket ?? ""): void {
  void object.pool.end([{ id: ticket, end: { how: "done", status: 200 } }]);
  const startedAt = Date.now();
  const end = { state: "answered" as const, ticket, status: 200, code: null, attempts: 1, startedAt };
  object.pool.deferredEnded(idOf(n), end);
}

describe("a deferred request", () => {
  test("gets its turn at once where a slot is free, and its place where none is", async () => {
    expect(object.pool.defer(request(1))).toEqual({
      code: "deferred",
      number: 1,
      place: { place: 1, startsInMs: 0 },
    });
    expect(object.pool.defer(request(2))).toMatchObject({ number: 2, place: { place: 1 } });
    expect(object.pool.defer(request(3))).toMatchObject({ number: 3, place: { place: 2 } });
    await settle();
    expect(object.turns).toMatchObject([{ id: objectOf(1), granted: { server: { name: "web-1" } } }]);
    expect(deferred()).toMatchObject({ queued: 2, running: 1 });
    answered(1);
    await settle();
    expect(object.turns.map(({ id }) => id)).toEqual([objectOf(1), objectOf(2)]);
    expect(object.pool.placeOf(idOf(3))).toMatchObject({ place: 1 });
    expect(deferred()).toMatchObject({ queued: 1, running: 1, answered: 1 });
  });

  test("is taken in once, however often its object asks", async () => {
    drain();
    const first = object.pool.defer(request(1));
    expect(object.pool.defer(request(1))).toEqual(first);
    expect(deferred()).toMatchObject({ queued: 1 });
  });

  test("waits through a restart of the pool without anybody coming back, at its old place", async () => {
    drain();
    for (const n of [1, 2, 3]) object.pool.defer(request(n));
    object.lose();
    expect(deferred()).toMatchObject({ queued: 3, running: 0 });
    resume();
    await object.pass(3_000);
    for (const n of [1, 2, 3]) {
      answered(n);
      await settle();
    }
    expect(object.turns.map(({ id }) => id)).toEqual([1, 2, 3].map(objectOf));
  });

  test("does not keep a drained pool awake, nor its checks going", async () => {
    object = new PoolObject({ deferred: {}, check: { path: "/up" } });
    object.answer = () => "begun";
    const asked = vi.fn(async () => new Response());
    vi.stubGlobal("fetch", asked);
    drain();
    object.pool.defer(request(1));
    await object.pass(90_000);
    asked.mockClear();
    await object.pass(3_000_000);
    expect(asked).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is refused once its time is over, and its object is told until it listens", async () => {
    drain();
    object.pool.defer(request(1, { expiresAt: Date.now() + 60_000 }));
    object.answer = null;
    await object.pass(61_000);
    expect(deferred()).toMatchObject({ queued: 0, running: 1 });
    object.lose();
    object.answer = () => "begun";
    expect(deferred()).toMatchObject({ queued: 0, running: 1 });
    await object.pass(15_000);
    expect(object.refusals).toEqual([{ id: objectOf(1), code: "queue-timeout" }]);
    const end = {
      state: "failed" as const,
      ticket: null,
      status: 503,
      code: "queue-timeout",
      attempts: 0,
      startedAt: null,
    };
    object.pool.deferredEnded(idOf(1), end);
    expect(deferred()).toMatchObject({ queued: 0, running: 0, failed: 1 });
  });

  test("is not counted against max_queue, and a direct one not against max", () => {
    object = new PoolObject({ deferred: { max: 2 }, max_queue: 1 });
    drain();
    const codes = [1, 2, 3].map((n) => object.pool.defer(request(n)).code);
    expect(codes).toEqual(["deferred", "deferred", "deferred-full"]);
    void object.pool.enter({ protocol: PROTOCOL, id: "direct" });
    expect(object.snapshot()).toMatchObject({ queued: 3, totals: { refused: { "deferred-full": 1 } } });
  });
});

test("ends that come with a request that is to be stored instead are in the ledger before the answer", async () => {
  object = new PoolObject({ deferred: { when: "drained" } });
  void object.pool.enter({ protocol: PROTOCOL, id: "held" });
  object.pool.changeServer("web-1", { patch: { state: "maint" } }, act());
  const ended = [{ id: "held", end: { how: "done" as const, status: 200 } }];
  const answer = object.pool.enter({ protocol: PROTOCOL, id: "new", mayDefer: true, ended });
  object.lose();
  expect(await answer).toEqual({ granted: false, code: "defer" });
  expect(object.snapshot()).toMatchObject({ inFlight: 0, quarantined: 0 });
});

test("refused or canceled, a deferred request is counted within seconds, though nobody waits at a connection", async () => {
  object = new PoolObject({ deferred: { max: 1 } });
  drain();
  object.pool.defer(request(1));
  await object.pass(11_000);
  const outlook = { queued: 1, estimatedWaitMs: null, retryAfterMs: 30_000 };
  expect(object.pool.defer(request(2))).toEqual({ code: "deferred-full", outlook });
  object.pool.withdrawDeferred(idOf(1), null);
  await object.pass(6_000);
  object.lose();
  expect(object.snapshot().totals).toMatchObject({ abandoned: 1, refused: { "deferred-full": 1 } });
});

describe("where its object", () => {
  test("is not reached, it is called again, with the same slot", async () => {
    object.answer = null;
    object.pool.defer(request(1));
    await object.pass(5_000);
    object.answer = () => "begun";
    await object.pass(15_000);
    expect(object.turns).toHaveLength(1);
    expect(object.turns[0]?.granted).not.toBeNull();
    expect(object.snapshot()).toMatchObject({ inFlight: 1, quarantined: 0 });
  });

  test("is not reached for longer than a lease lives, the slot is closed, and the object is asked what it knows", async () => {
    object.answer = null;
    object.pool.defer(request(1));
    await object.pass(LEASE_TTL_MS + 1_000);
    expect(object.snapshot()).toMatchObject({ quarantined: 1 });
    object.answer = (_id, _ticket, granted) => (granted ? "begun" : "waiting");
    await object.pass(15_000);
    // It had never heard of the slot, which nobody has used: it is free, and its own.
    const [asked, given] = object.turns;
    expect(asked?.granted).toBeNull();
    expect(given?.granted).not.toBeNull();
    expect(given?.ticket).not.toBe(asked?.ticket);
    expect(object.snapshot()).toMatchObject({ inFlight: 1, quarantined: 0 });
  });

  test("had ended before it heard of the slot, that is free again", async () => {
    object.answer = () => "ended";
    object.pool.defer(request(1));
    await settle();
    expect(object.snapshot()).toMatchObject({ inFlight: 0 });
    const end = { ...CANCELED, ticket: null };
    expect(object.pool.deferredEnded(idOf(1), end)).toBe(1);
    expect(object.pool.deferredEnded(idOf(1), end)).toBeNull();
    expect(deferred()).toMatchObject({ queued: 0, running: 0 });
  });

  test("was canceled before it heard of the slot, and says so itself, that is free again", async () => {
    object.answer = () => {
      throw new Error("it restarts");
    };
    object.pool.defer(request(1));
    await settle();
    expect(object.snapshot()).toMatchObject({ inFlight: 1 });
    object.pool.deferredEnded(idOf(1), { ...CANCELED, ticket: null });
    expect(object.snapshot()).toMatchObject({ inFlight: 0, deferred: { queued: 0, running: 0 } });
  });

  test("restarted before it could say how its lease ended, that ends with it, and nobody waits for its time", async () => {
    object.pool.defer(request(1));
    object.pool.defer(request(2));
    await settle();
    const { ticket = "" } = object.turns[0] ?? {};
    object.pool.deferredEnded(idOf(1), { ...CANCELED, ticket });
    expect(object.snapshot()).toMatchObject({ inFlight: 1, quarantined: 1, deferred: { running: 0 } });
    // It says so all the same.
    void object.pool.end([{ id: ticket, end: { how: "done", status: 200 } }]);
    await settle();
    expect(object.turns.at(-1)).toMatchObject({ id: objectOf(2), granted: {} });
  });

  test("knows nothing of it, the pool forgets it too", async () => {
    object.answer = () => "unknown";
    object.pool.defer(request(1));
    await settle();
    expect(object.snapshot()).toMatchObject({ inFlight: 0, deferred: { queued: 0, running: 0 } });
  });

  test("is gone when its ticket is refused, the pool forgets it too", async () => {
    drain();
    object.pool.defer(request(1, { expiresAt: Date.now() + 60_000 }));
    object.answer = () => "unknown";
    await object.pass(61_000);
    expect(object.refusals).toMatchObject([{ id: objectOf(1), code: "queue-timeout" }]);
    expect(deferred()).toMatchObject({ queued: 0, running: 0 });
    object.lose();
    expect(deferred()).toMatchObject({ queued: 0, running: 0 });
  });

  test("takes no slot that it is given, others get theirs, and it is asked again after a while", async () => {
    object.answer = (id, _ticket, granted) => (id === objectOf(1) || !granted ? "waiting" : "begun");
    object.pool.defer(request(1));
    object.pool.defer(request(2));
    await object.pass(20_000);
    expect(object.turns.map(({ id }) => id)).toEqual([objectOf(1), objectOf(2)]);
    answered(2);
    object.answer = (_id, _ticket, granted) => (granted ? "begun" : "waiting");
    await object.pass(30_000);
    expect(object.turns.at(-1)).toMatchObject({ id: objectOf(1), granted: {} });
    expect(object.snapshot()).toMatchObject({ inFlight: 1, quarantined: 0 });
  });

  test("was at work when the pool restarted, it is asked, and keeps its slot", async () => {
    object.pool.defer(request(1));
    object.pool.defer(request(2));
    await settle();
    object.lose();
    expect(object.snapshot()).toMatchObject({ inFlight: 1, deferred: { queued: 1, running: 1 } });
    await settle();
    expect(object.turns.slice(1)).toMatchObject([{ id: objectOf(1), granted: null }]);
    answered(1, object.turns[0]?.ticket);
    await object.pass(3_000);
    expect(object.turns.at(-1)).toMatchObject({ id: objectOf(2), granted: {} });
  });

  test("is at a loss after the pool has lost sight of it, it is asked within half a minute", async () => {
    object.pool.defer(request(1));
    await settle();
    const { ticket = "" } = object.turns[0] ?? {};
    void object.pool.end([{ id: ticket, end: { how: "broken" } }]);
    await object.pass(31_000);
    expect(object.turns.at(-1)).toMatchObject({ ticket, granted: null });
  });

  test("asks for another attempt, it keeps its place before all that came later", async () => {
    object.pool.defer(request(1));
    object.pool.defer(request(2));
    await settle();
    const ticket = object.turns[0]?.ticket ?? "";
    const again = {
      id: idOf(1),
      ticket,
      end: { how: "broken" as const, retried: true },
      retry: { server: "web-1", restMs: 10, avoid: true },
    };
    object.pool.deferAgain(again);
    object.pool.deferAgain(again);
    expect(object.pool.placeOf(idOf(1))).toMatchObject({ place: 1 });
    await object.pass(3_000);
    expect(object.turns.map(({ id }) => id)).toEqual([objectOf(1), objectOf(1)]);
    expect(object.turns[1]?.ticket).not.toBe(ticket);
  });
});

describe("a key", () => {
  const keyed = (n: number, fingerprint = "a") => request(n, { key: "k", fingerprint });

  test("belongs to the first that comes with it, through a restart, and is free once that is forgotten", async () => {
    drain();
    expect(object.pool.defer(keyed(1))).toMatchObject({ code: "deferred" });
    expect(object.pool.defer(keyed(2))).toEqual({ code: "repeated", id: idOf(1) });
    expect(object.pool.defer(keyed(3, "b"))).toEqual({ code: "idempotency-mismatch" });
    object.lose();
    expect(object.pool.defer(keyed(2))).toEqual({ code: "repeated", id: idOf(1) });
    const end = { ...CANCELED, ticket: null };
    const number = object.pool.deferredEnded(idOf(1), end) ?? 0;
    expect(object.pool.defer(keyed(2))).toEqual({ code: "repeated", id: idOf(1) });
    object.pool.forgetDeferred({ id: idOf(1), number, key: "k" });
    expect(object.pool.defer(keyed(2))).toMatchObject({ code: "deferred" });
  });

  test("is free once nothing is left of its request", async () => {
    object.answer = () => "unknown";
    object.pool.defer(keyed(1));
    await settle();
    expect(object.pool.defer(keyed(2))).toMatchObject({ code: "deferred" });
  });

  test("is free once its request was withdrawn", () => {
    drain();
    object.pool.defer(keyed(1));
    object.pool.withdrawDeferred(idOf(1), "k");
    expect(object.pool.defer(keyed(2))).toMatchObject({ code: "deferred" });
    expect(deferred()).toMatchObject({ queued: 1 });
  });
});

describe("the operator's list", () => {
  const list = (state: Parameters<typeof object.pool.listDeferred>[0]["state"], limit = 10, after = 0) =>
    object.pool.listDeferred({ state, limit, after }).map(({ number, state }) => `${number} ${state}`);

  beforeEach(async () => {
    for (const n of [1, 2, 3, 4]) object.pool.defer(request(n));
    await settle();
    answered(1);
    await settle();
    const ticket = object.turns[1]?.ticket ?? "";
    const cause = { status: 502, code: "bad-gateway" };
    const failed = { state: "failed" as const, ticket, ...cause, attempts: 3, startedAt: 5 };
    void object.pool.end([{ id: ticket, end: { how: "broken" } }]);
    object.pool.deferredEnded(idOf(2), failed);
    await object.pass(3_000);
  });

  test("has all of them in the order of their arrival, with what is known of each", () => {
    expect(list(null)).toEqual(["1 answered", "2 failed", "3 running", "4 queued"]);
    expect(object.pool.listDeferred({ state: "failed", limit: 1, after: 0 })).toEqual([
      {
        number: 2,
        id: idOf(2),
        state: "failed",
        method: "POST",
        path: "/2",
        acceptedAt: expect.any(Number),
        startedAt: 5,
        endedAt: expect.any(Number),
        attempts: 3,
        status: 502,
        code: "bad-gateway",
      },
    ]);
  });

  test("has those of one state, and goes on after any", () => {
    expect(list("queued")).toEqual(["4 queued"]);
    expect(list("running")).toEqual(["3 running"]);
    expect(list("answered")).toEqual(["1 answered"]);
    expect(list(null, 2)).toEqual(["1 answered", "2 failed"]);
    expect(list(null, 2, 2)).toEqual(["3 running", "4 queued"]);
  });

  test("has the same after a restart, and new numbers go on", async () => {
    object.lose();
    expect(list(null)).toEqual(["1 answered", "2 failed", "3 running", "4 queued"]);
    expect(object.pool.defer(request(5))).toMatchObject({ number: 5 });
  });

  test("has one that is tried again as new, and not among the failed", () => {
    expect(object.pool.defer(request(2, { former: 2 }))).toMatchObject({ number: 5 });
    expect(list(null)).toEqual(["1 answered", "3 running", "4 queued", "5 queued"]);
    expect(deferred()).toMatchObject({ failed: 0 });
  });
});

test("10,000 that wait take less than 1 KB each of the pool's memory, and nobody is called for them", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  drain();
  for (let n = 1; n <= 10_000; n++) object.pool.defer(request(n));
  // Of a new instance, which knows only what it has read: what the first one leaves behind is not its memory.
  object.lose();
  await settle();
  gc();
  const before = process.memoryUsage().heapUsed;
  expect(object.snapshot()).toMatchObject({ state: "drained", deferred: { queued: 10_000 } });
  await settle();
  gc();
  const each = (process.memoryUsage().heapUsed - before) / 10_000;
  expect(each).toBeGreaterThan(100);
  expect(each).toBeLessThan(1_024);
  expect(object.turns).toEqual([]);
});
