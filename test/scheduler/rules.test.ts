import { beforeEach, describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { cutOff, DONE, reported } from "./ends.ts";
import { UNCUT } from "./ledger-model.ts";
import { settings } from "./settings.ts";

const ONE_SERVER = { servers: [{ name: "a", url: "http://a.example" }] };
let scheduler: Scheduler;

function start(keys: Record<string, unknown> = {}) {
  scheduler = new Scheduler(settings({ ...ONE_SERVER, ...keys }), null, 0);
}

/** What was decided since the last look: `t1 grant`, `t2 queued`, `t3 queue-full`. */
function decided(): string[] {
  return scheduler
    .takeChanges()
    .decisions.map(
      (decision) => `${decision.ticket} ${decision.kind === "refuse" ? decision.code : decision.kind}`,
    );
}

function acquire(id: string, now = 0): string[] {
  scheduler.enter({ id }, now);
  return decided();
}

/** A deferred request asks, which is given up at `expiresAt`. */
function defer(id: string, expiresAt = 3_600_000, now = 0): string[] {
  scheduler.enter({ id, expiresAt }, now);
  return decided();
}

const drainFor = (ms: number) => scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: ms }, 0);

beforeEach(() => start());

describe("a full queue", () => {
  test("refuses the next request, and takes one again as soon as a place is free", () => {
    start({ max_queue: 2 });
    expect(["t1", "t2", "t3", "t4"].flatMap((id) => acquire(id))).toEqual([
      "t1 grant",
      "t2 queued",
      "t3 queued",
      "t4 queue-full",
    ]);
    scheduler.leave("t2", 0);
    expect(acquire("t5")).toEqual(["t5 queued"]);
    expect(scheduler.totals.refused).toEqual({ "queue-full": 1 });
  });

  test("of length 0 still lets requests through to a free slot", () => {
    start({ max_queue: 0 });
    expect([acquire("t1"), acquire("t2")].flat()).toEqual(["t1 grant", "t2 queue-full"]);
    scheduler.end("t1", DONE, 0);
    expect(acquire("t3")).toEqual(["t3 grant"]);
  });

  test("does not turn away a ticket that was accepted before a restart", () => {
    start({ max_queue: 0 });
    acquire("t1");
    scheduler.enter({ id: "old", token: -5 }, 0);
    expect(decided()).toEqual(["old queued"]);
  });
});

describe("queue_timeout", () => {
  test("ends the wait of a request, drains included, and not a moment earlier", () => {
    start({ queue_timeout: "10s" });
    acquire("t1");
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: 60_000 }, 0);
    acquire("t2", 1_000);
    expect(scheduler.nextTick()).toBe(11_000);
    scheduler.tick(10_999);
    expect(decided()).toEqual([]);
    scheduler.tick(11_000);
    expect(decided()).toEqual(["t2 queue-timeout"]);
    expect(scheduler.queued).toBe(0);
  });

  test("counts the time a ticket waited before it came back", () => {
    start({ queue_timeout: "10s" });
    acquire("t1");
    scheduler.enter({ id: "t2", token: -4_000, waitedMs: 9_000 }, 5_000);
    decided();
    scheduler.tick(6_000);
    expect(decided()).toEqual(["t2 queue-timeout"]);
  });
});

describe("when_down", () => {
  const down = () => scheduler.changeServer("a", { state: "maint" }, "me", 0);

  test("hold keeps requests until a server is back", () => {
    down();
    expect(acquire("t1")).toEqual(["t1 queued"]);
    scheduler.changeServer("a", { state: "ready" }, "me", 5);
    expect(decided()).toEqual(["t1 grant"]);
  });

  test("refuse answers at once, those that wait already too", () => {
    start({ when_down: "refuse" });
    acquire("t1");
    acquire("t2");
    down();
    expect(decided()).toEqual(["t2 no-server"]);
    expect(acquire("t3")).toEqual(["t3 no-server"]);
  });

  test("refuse holds requests in a drain all the same: a deploy takes servers down", () => {
    start({ when_down: "refuse" });
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: 60_000 }, 0);
    down();
    expect(acquire("t1")).toEqual(["t1 queued"]);
    scheduler.changeServer("a", { state: "ready" }, "me", 0);
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 0);
    expect(decided()).toEqual(["t1 grant"]);
  });

  test("refuse answers those who wait, too, when nobody says that the check of the last server got no answer", () => {
    start({ when_down: "refuse", slots: 2, check: { path: "/up", timeout: "1s", fall: 1 } });
    acquire("t1");
    // The check takes the second slot.
    scheduler.tick(0);
    expect(acquire("t2")).toEqual(["t2 queued"]);
    scheduler.tick(1_999);
    expect(decided()).toEqual([]);
    scheduler.tick(2_000);
    expect(decided()).toEqual(["t2 no-server"]);
  });

  test("refuse does not mistake a server that an operator drains for one that is gone", () => {
    start({ when_down: "refuse" });
    scheduler.changeServer("a", { state: "drain" }, "me", 0);
    expect(acquire("t1")).toEqual(["t1 queued"]);
  });
});

describe("a drain", () => {
  const drain = (owner: string, expiresAt = 60_000, reason: string | null = null) =>
    scheduler.drain({ owner, by: "me", reason, expiresAt }, 0);

  test("lets what is in flight finish, and holds what comes, in order", () => {
    acquire("t1");
    drain("x");
    expect([acquire("t2"), acquire("t3")].flat()).toEqual(["t2 queued", "t3 queued"]);
    scheduler.end("t1", DONE, 0);
    expect(decided()).toEqual([]);
    expect(scheduler.inFlight).toBe(0);
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 0);
    expect(decided()).toEqual(["t2 grant"]);
  });

  test("belongs to its owner: another can neither extend nor end it without force", () => {
    expect(drain("x")).toBe(true);
    expect(drain("y")).toBe(false);
    expect(scheduler.resume({ owner: "y", by: "me", force: "no" }, 0)).toBe(false);
    expect(scheduler.currentDrain?.owner).toBe("x");
    expect(scheduler.resume({ owner: "y", by: "me", force: "any" }, 0)).toBe(true);
    expect(scheduler.currentDrain).toBeNull();
  });

  test("is extended by its owner, keeping its beginning and its reason", () => {
    drain("x", 60_000, "new version");
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: 90_000 }, 30_000);
    expect(scheduler.currentDrain).toEqual({
      owner: "x",
      by: "me",
      reason: "new version",
      since: 0,
      expiresAt: 90_000,
      ...UNCUT,
    });
  });

  test("is shortened by its owner's word only", () => {
    drain("x", 7_200_000);
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: null }, 60_000);
    expect(scheduler.currentDrain?.expiresAt).toBe(7_200_000);
    drain("x", 600_000);
    expect(scheduler.currentDrain?.expiresAt).toBe(600_000);
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: null }, 60_000);
    expect(scheduler.currentDrain?.expiresAt).toBe(960_000);
  });

  test("ends by itself when its time is over", () => {
    drain("x", 1_000);
    acquire("t1");
    expect(scheduler.nextTick()).toBe(1_000);
    scheduler.tick(1_000);
    expect(decided()).toEqual(["t1 grant"]);
  });

  test("and a server's state are separate: neither ends the other", () => {
    scheduler.changeServer("a", { state: "drain" }, "me", 0);
    drain("x");
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 0);
    expect(acquire("t1")).toEqual(["t1 queued"]);
    drain("x");
    scheduler.changeServer("a", { state: "ready" }, "me", 0);
    expect(decided()).toEqual([]);
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 0);
    expect(decided()).toEqual(["t1 grant"]);
  });
});

describe("a server's number of slots", () => {
  test("raised, takes more requests at once; lowered, takes none until enough have finished", () => {
    acquire("t1");
    acquire("t2");
    acquire("t3");
    scheduler.changeServer("a", { slots: 2 }, "me", 0);
    expect(decided()).toEqual(["t2 grant"]);
    scheduler.changeServer("a", { slots: 1 }, "me", 0);
    scheduler.end("t1", DONE, 0);
    expect(decided()).toEqual([]);
    scheduler.end("t2", DONE, 0);
    expect(decided()).toEqual(["t3 grant"]);
  });
});

describe("a slot that was cut off", () => {
  const keys = { server_timeout: "1m", quarantine: { max: "20s", broken: "1s", cancel: "3s" } };

  test.each([
    ["timeout", 20_000],
    ["longest", 20_000],
    ["client", 20_000],
    ["lost", 20_000],
    ["broken", 1_000],
    ["stalled", 3_000],
    ["early", 3_000],
    ["unreachable", 20_000],
  ] as const)("%s: stays closed for %i ms", (cause, ms) => {
    start(keys);
    acquire("t1");
    acquire("t2");
    scheduler.end("t1", cutOff(cause), 5);
    scheduler.tick(5 + ms - 1);
    expect(decided()).toEqual([]);
    scheduler.tick(5 + ms);
    expect(decided()).toEqual(["t2 grant"]);
  });

  test.each([
    ["quarantine.cancel", { quarantine: { cancel: "3s" }, cooldown: "1s" }],
    ["cooldown, where that is longer,", { quarantine: { cancel: "1s" }, cooldown: "3s" }],
  ])("opens after %s when on_client_abort is cancel and the client left", (_, times) => {
    start({ ...keys, ...times, on_client_abort: "cancel" });
    acquire("t1");
    acquire("t2");
    scheduler.end("t1", { how: "client" }, 5);
    scheduler.tick(5 + 2_999);
    expect(decided()).toEqual([]);
    scheduler.tick(5 + 3_000);
    expect(decided()).toEqual(["t2 grant"]);
  });

  test("stays closed when on_client_abort is cancel and its Worker is lost: its connection may stand", () => {
    start({ ...keys, on_client_abort: "cancel" });
    acquire("t1");
    acquire("t2");
    scheduler.end("t1", { how: "lost" }, 5);
    expect(decided()).toEqual([]);
  });

  test("opens when its holder turns out to have finished after all", () => {
    start(keys);
    acquire("t1");
    acquire("t2");
    scheduler.end("t1", { how: "lost" }, 5);
    scheduler.end("t1", DONE, 10);
    expect(decided()).toEqual(["t2 grant"]);
  });
});

test("a slot whose server was sent nothing is free at once, whatever the cooldown, and its request abandoned", () => {
  start({ cooldown: "1s" });
  acquire("t1");
  acquire("t2");
  for (let told = 0; told < 2; told++) scheduler.end("t1", { how: "unused" }, 5);
  expect(decided()).toEqual(["t2 grant"]);
  expect(scheduler.totals).toMatchObject({ accepted: 2, abandoned: 1, completed: 0 });
});

test("a lease that nobody renews for 30 s is quarantined, and one that is renewed is kept", () => {
  start({ server_timeout: "1m", quarantine: { max: "20s" } });
  acquire("t1");
  acquire("t2");
  scheduler.tick(29_999);
  expect(scheduler.renew("t1", 29_999)).toBe(true);
  scheduler.tick(59_998);
  expect(decided()).toEqual([]);
  scheduler.tick(59_999);
  scheduler.tick(79_999);
  expect(decided()).toEqual(["t2 grant"]);
  expect(scheduler.renew("t1", 80_000)).toBe(false);
});

test("cooldown keeps a slot closed after its response, and a drain waits for it", () => {
  start({ cooldown: "50ms" });
  acquire("t1");
  acquire("t2");
  scheduler.end("t1", DONE, 100);
  expect(scheduler.inFlight).toBe(1);
  scheduler.tick(149);
  expect(decided()).toEqual([]);
  scheduler.tick(150);
  expect(decided()).toEqual(["t2 grant"]);
});

describe("a slot that changes hands", () => {
  test("within a turn is one row for the ledger, in its last state", () => {
    acquire("t1");
    acquire("t2");
    scheduler.end("t1", DONE, 5);
    const { slots } = scheduler.takeChanges();
    expect([...slots].map(({ index, state, lease, since }) => ({ index, state, lease, since }))).toEqual([
      { index: 0, state: "leased", lease: "t2", since: 5 },
    ]);
  });

  test("many times within a turn, too", () => {
    start({ slots: 2 });
    for (let n = 0; n < 20; n++) scheduler.enter({ id: `t${n}` }, n);
    for (let n = 0; n < 19; n++) scheduler.end(`t${n}`, DONE, 20 + n);
    const { slots } = scheduler.takeChanges();
    expect([...slots].map(({ index, state }) => `${index} ${state}`).toSorted()).toEqual([
      "0 free",
      "1 leased",
    ]);
  });
});

describe("an operator's slots and weight", () => {
  test.each([
    ["the configured values", { slots: 4, weight: 5 }],
    ["null", { slots: null, weight: null }],
  ])("go with the configuration again once they are %s", (_, patch) => {
    const servers = [{ name: "a", url: "http://a.example", weight: 5 }];
    start({ servers, slots: 4 });
    scheduler.changeServer("a", { slots: 2, weight: 9 }, "me", 0);
    expect(scheduler.servers[0]).toMatchObject({ slots: 2, weight: 9, override: { slots: 2, weight: 9 } });
    scheduler.changeServer("a", patch, "me", 0);
    expect(scheduler.servers[0]).toMatchObject({ slots: 4, weight: 5, override: {} });
  });
});

test("a slot that cools down may be freed by hand", () => {
  start({ cooldown: "1m" });
  acquire("t1");
  acquire("t2");
  scheduler.end("t1", DONE, 5);
  expect(scheduler.freeLease("t1", "me", 10)).toBe(true);
  expect(decided()).toEqual(["t2 grant"]);
});

describe("with every server down and when_down = refuse", () => {
  test.each([
    ["a retry", { id: "t2", token: 0, retry: { server: "a", restMs: 0, avoid: true } }],
    ["a request that lost touch with the pool", { id: "t2", token: -94, waitedMs: 100 }],
  ])("%s is refused at once", (_, ticket) => {
    start({ when_down: "refuse", check: { path: "/up", fall: 1 }, quarantine: { broken: "0s" } });
    acquire("t1");
    scheduler.end("t1", { how: "broken", retried: true }, 5);
    scheduler.enter(ticket, 6);
    expect(decided()).toEqual(["t2 no-server"]);
  });
});

describe("a deferred request", () => {
  const inTurn = () => {
    const granted: string[] = [];
    for (let now = 10; scheduler.queued > 0; now++) {
      for (const { leases } of snapshotOf("web", scheduler, now).servers)
        for (const { id } of leases) scheduler.end(id, DONE, now);
      granted.push(...decided());
    }
    return granted;
  };

  test("stands on one list with the direct ones: first come, first served", () => {
    acquire("t1");
    for (const [n, ask] of [acquire, defer, acquire, defer].entries()) ask(`t${n + 2}`);
    expect(["t2", "t3", "t4", "t5"].map((id) => scheduler.placeOf(id))).toEqual([1, 2, 3, 4]);
    expect(inTurn()).toEqual(["t2 grant", "t3 grant", "t4 grant", "t5 grant"]);
  });

  test("keeps its turn with another attempt, which has another ticket, and what it waited for is over when it was", () => {
    const token = scheduler.enter({ id: "d1", expiresAt: 60_000 }, 0) as number;
    acquire("t2", 1);
    defer("d3", 3_600_000, 2);
    const retry = { server: "a", restMs: 500, avoid: false };
    scheduler.enter({ id: "d1 again", token, waitedMs: 5, expiresAt: 60_000, retry }, 5);
    scheduler.end("d1", { how: "broken", retried: true }, 5);
    expect(["d1 again", "t2", "d3"].map((id) => scheduler.placeOf(id))).toEqual([1, 2, 3]);
    expect(scheduler.placeOf("d1")).toBeNull();
    expect(scheduler.nextExpiry).toBe(60_000);
  });

  test("is not counted against max_queue, and takes no place on it from a direct one", () => {
    start({ max_queue: 1, deferred: {} });
    acquire("t1");
    expect([defer("d1"), defer("d2"), acquire("t2"), acquire("t3")].flat()).toEqual([
      "d1 queued",
      "d2 queued",
      "t2 queued",
      "t3 queue-full",
    ]);
    scheduler.enter({ id: "accepted before a restart", token: -5 }, 0);
    decided();
    expect(defer("d3")).toEqual(["d3 queued"]);
    expect([scheduler.queued, scheduler.queuedDeferred]).toEqual([5, 3]);
  });

  test("is given up at its own time and not after queue_timeout, drains included, and not a moment earlier", () => {
    start({ queue_timeout: "10s" });
    acquire("t1");
    drainFor(3_600_000);
    defer("late", 30_000);
    defer("early", 5_000);
    acquire("direct", 1_000);
    const next = () => {
      const at = scheduler.nextTick();
      scheduler.tick(at - 1);
      expect(decided()).toEqual([]);
      scheduler.tick(at);
      return [at, ...decided()];
    };
    expect([next(), next(), next()]).toEqual([
      [5_000, "early queue-timeout"],
      [11_000, "direct queue-timeout"],
      [30_000, "late queue-timeout"],
    ]);
    expect([scheduler.queued, scheduler.nextExpiry]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test("is none of those that wait at a connection, of which the oldest is told", () => {
    acquire("t1");
    defer("d1", 3_600_000, 5);
    expect(scheduler.oldestSince).toBeUndefined();
    acquire("t2", 20);
    expect(scheduler.oldestSince).toBe(20);
  });

  test("that leaves the list, as it is canceled, is counted as abandoned", () => {
    acquire("t1");
    defer("d1");
    expect(scheduler.leave("d1", 0)).toBe(true);
    expect([scheduler.queued, scheduler.queuedDeferred, scheduler.nextExpiry]).toEqual([
      0,
      0,
      Number.POSITIVE_INFINITY,
    ]);
    expect(scheduler.totals).toMatchObject({ accepted: 2, abandoned: 1 });
  });

  test("keeps no health checks going while it waits for the end of a drain, but has them from that moment", () => {
    start({ check: { path: "/up", interval: "1s", timeout: "500ms", fall: 1 }, deferred: {} });
    drainFor(3_600_000);
    defer("d1");
    const checks = () =>
      scheduler.takeChanges().questions.flatMap((question) => (question.kind === "check" ? [question] : []));
    let last = 0;
    for (let now = 0; now < 300_000; now += 500) {
      scheduler.tick(now);
      for (const { id } of checks()) {
        scheduler.checked(id, reported("failed"), now);
        last = now;
      }
    }
    expect(last).toBeLessThan(60_000);
    expect(scheduler.nextTick()).toBe(3_600_000);
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 300_000);
    expect(checks()).toMatchObject([{ server: "a" }]);
  });

  test("counts once, however often it is tried", () => {
    const token = scheduler.enter({ id: "d1", expiresAt: 60_000 }, 0) as number;
    const retry = { server: "a", restMs: 0, avoid: false };
    scheduler.enter({ id: "d2", token, waitedMs: 5, expiresAt: 60_000, retry }, 5);
    scheduler.end("d1", { how: "unused", retried: true }, 5);
    scheduler.end("d2", DONE, 10);
    expect(scheduler.totals).toMatchObject({ accepted: 1, completed: 1, retried: 1, abandoned: 0 });
  });
});

describe("with every server out and when_down = refuse, a deferred request", () => {
  const down = () => scheduler.changeServer("a", { state: "maint" }, "me", 0);

  test.each(["asked", "always"])("is refused like any other where deferred.when = %s", (when) => {
    start({ when_down: "refuse", deferred: { when } });
    acquire("t1");
    acquire("t2");
    defer("d1");
    down();
    expect(decided()).toEqual(["t2 no-server", "d1 no-server"]);
    expect(scheduler.deferRefusal(0, 0)).toBe("no-server");
    expect(defer("d2")).toEqual(["d2 no-server"]);
    expect(scheduler.totals.refused).toEqual({ "no-server": 4 });
  });

  test("waits where deferred.when = drained, for that is what it is stored for; a direct one does not", () => {
    start({ when_down: "refuse", deferred: { when: "drained" } });
    acquire("t1");
    defer("d1");
    acquire("t2");
    down();
    expect(decided()).toEqual(["t2 no-server"]);
    expect(scheduler.deferRefusal(0, 0)).toBeNull();
    expect([acquire("t3"), defer("d2")].flat()).toEqual(["t3 no-server", "d2 queued"]);
    scheduler.end("t1", DONE, 5);
    scheduler.changeServer("a", { state: "ready" }, "me", 5);
    expect(decided()).toEqual(["d1 grant"]);
  });

  test("waits in a drain as all do, and is refused once that is over", () => {
    start({ when_down: "refuse", deferred: {} });
    drainFor(60_000);
    down();
    expect(scheduler.deferRefusal(0, 0)).toBeNull();
    expect(defer("d1")).toEqual(["d1 queued"]);
    scheduler.tick(60_000);
    expect(decided()).toEqual(["d1 no-server"]);
  });
});

describe("how many requests may be deferred", () => {
  test("says deferred.max, of those that wait or run; who is one too many is counted as refused", () => {
    start({ deferred: { max: 2 } });
    expect([0, 1, 2, 3].map((unfinished) => scheduler.deferRefusal(unfinished, 0))).toEqual([
      null,
      null,
      "deferred-full",
      "deferred-full",
    ]);
    expect(scheduler.totals).toMatchObject({ accepted: 0, refused: { "deferred-full": 2 } });
  });

  test("is none where the pool stores none", () => {
    expect(scheduler.deferRefusal(0, 0)).toBe("deferred-full");
  });
});

describe("when a request may start", () => {
  const serve = (id: string, from: number, ms: number) => {
    acquire(id, from);
    scheduler.end(id, DONE, from + ms);
  };

  test("is unknown until a request has been completed, in a drain, and while no server takes any", () => {
    expect(scheduler.admission.startsInMs(1)).toBeNull();
    serve("t1", 0, 400);
    expect(scheduler.admission.startsInMs(1)).toBe(0);
    drainFor(60_000);
    expect(scheduler.admission.startsInMs(1)).toBeNull();
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 1_000);
    scheduler.changeServer("a", { state: "maint" }, "me", 1_000);
    expect(scheduler.admission.startsInMs(1)).toBeNull();
  });

  test("goes by its place, the slots and how long requests took of late", () => {
    start({ slots: 2 });
    serve("t1", 0, 400);
    expect([1, 2, 10].map((place) => scheduler.admission.startsInMs(place))).toEqual([0, 400, 2_000]);
    for (const id of ["t2", "t3"]) acquire(id, 500);
    expect(scheduler.admission.startsInMs(1)).toBe(200);
    for (const id of ["t2", "t3"]) scheduler.end(id, DONE, 900);
    for (let n = 1; n <= 100; n++) serve(`slow ${n}`, 1_000 * n, 800);
    expect(scheduler.admission.startsInMs(10)).toBeCloseTo(4_000, -2);
  });
});
