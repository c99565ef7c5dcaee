import { beforeEach, describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { cutOff, DONE } from "./ends.ts";
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
    scheduler.leave("t2");
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
    scheduler.drain({ owner: "x", reason: null, expiresAt: 60_000 }, 0);
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
  const down = () => scheduler.changeServer("a", { state: "maint" }, 0);

  test("hold keeps requests until a server is back", () => {
    down();
    expect(acquire("t1")).toEqual(["t1 queued"]);
    scheduler.changeServer("a", { state: "ready" }, 5);
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
    scheduler.drain({ owner: "x", reason: null, expiresAt: 60_000 }, 0);
    down();
    expect(acquire("t1")).toEqual(["t1 queued"]);
    scheduler.changeServer("a", { state: "ready" }, 0);
    scheduler.resume("x", false, 0);
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
    scheduler.changeServer("a", { state: "drain" }, 0);
    expect(acquire("t1")).toEqual(["t1 queued"]);
  });
});

describe("a drain", () => {
  const drain = (owner: string, expiresAt = 60_000, reason: string | null = null) =>
    scheduler.drain({ owner, reason, expiresAt }, 0);

  test("lets what is in flight finish, and holds what comes, in order", () => {
    acquire("t1");
    drain("x");
    expect([acquire("t2"), acquire("t3")].flat()).toEqual(["t2 queued", "t3 queued"]);
    scheduler.end("t1", DONE, 0);
    expect(decided()).toEqual([]);
    expect(scheduler.inFlight).toBe(0);
    scheduler.resume("x", false, 0);
    expect(decided()).toEqual(["t2 grant"]);
  });

  test("belongs to its owner: another can neither extend nor end it without force", () => {
    expect(drain("x")).toBe(true);
    expect(drain("y")).toBe(false);
    expect(scheduler.resume("y", false, 0)).toBe(false);
    expect(scheduler.currentDrain?.owner).toBe("x");
    expect(scheduler.resume("y", true, 0)).toBe(true);
    expect(scheduler.currentDrain).toBeNull();
  });

  test("is extended by its owner, keeping its beginning and its reason", () => {
    drain("x", 60_000, "new version");
    scheduler.drain({ owner: "x", reason: null, expiresAt: 90_000 }, 30_000);
    expect(scheduler.currentDrain).toEqual({
      owner: "x",
      reason: "new version",
      since: 0,
      expiresAt: 90_000,
    });
  });

  test("is shortened by its owner's word only", () => {
    drain("x", 7_200_000);
    scheduler.drain({ owner: "x", reason: null, expiresAt: null }, 60_000);
    expect(scheduler.currentDrain?.expiresAt).toBe(7_200_000);
    drain("x", 600_000);
    expect(scheduler.currentDrain?.expiresAt).toBe(600_000);
    scheduler.drain({ owner: "x", reason: null, expiresAt: null }, 60_000);
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
    scheduler.changeServer("a", { state: "drain" }, 0);
    drain("x");
    scheduler.resume("x", false, 0);
    expect(acquire("t1")).toEqual(["t1 queued"]);
    drain("x");
    scheduler.changeServer("a", { state: "ready" }, 0);
    expect(decided()).toEqual([]);
    scheduler.resume("x", false, 0);
    expect(decided()).toEqual(["t1 grant"]);
  });
});

describe("a server's number of slots", () => {
  test("raised, takes more requests at once; lowered, takes none until enough have finished", () => {
    acquire("t1");
    acquire("t2");
    acquire("t3");
    scheduler.changeServer("a", { slots: 2 }, 0);
    expect(decided()).toEqual(["t2 grant"]);
    scheduler.changeServer("a", { slots: 1 }, 0);
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
    scheduler.changeServer("a", { slots: 2, weight: 9 }, 0);
    expect(scheduler.servers[0]).toMatchObject({ slots: 2, weight: 9, override: { slots: 2, weight: 9 } });
    scheduler.changeServer("a", patch, 0);
    expect(scheduler.servers[0]).toMatchObject({ slots: 4, weight: 5, override: {} });
  });
});

test("a slot that cools down may be freed by hand", () => {
  start({ cooldown: "1m" });
  acquire("t1");
  acquire("t2");
  scheduler.end("t1", DONE, 5);
  expect(scheduler.freeLease("t1", 10)).toBe(true);
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
