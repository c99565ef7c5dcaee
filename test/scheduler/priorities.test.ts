import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { TicketRequest } from "../../src/scheduler/waiting/ticket.ts";
import { DONE } from "./ends.ts";
import { restoredWith } from "./ledger-model.ts";
import { serverAt, settings } from "./settings.ts";

const NOW = 1_000_000;
const KEYS = {
  servers: [{ name: "a", url: "http://a.example" }],
  deferred: {},
  quarantine: { broken: "0s" },
};

/** A pool of one slot, which `first` holds. */
function busy(keys: Record<string, unknown> = {}): Scheduler {
  const scheduler = new Scheduler(settings({ ...KEYS, ...keys }), null, NOW);
  scheduler.enter({ id: "first" }, NOW);
  scheduler.takeChanges();
  return scheduler;
}

/** Who has got the slot. */
function grantedBy(scheduler: Scheduler): string[] {
  const grants = scheduler.takeChanges().decisions.filter(({ kind }) => kind === "grant");
  return grants.map(({ ticket }) => ticket);
}

/** In which order those who wait get the slot, which `holder` gives back. */
function order(scheduler: Scheduler, at: number, holder = "first"): string[] {
  const granted: string[] = [];
  for (let [now, last] = [at, holder]; scheduler.queued > 0; now += 10) {
    scheduler.end(last, DONE, now);
    scheduler.tick(now);
    for (const ticket of grantedBy(scheduler)) {
      granted.push(ticket);
      last = ticket;
    }
  }
  return granted;
}

describe("a request that goes 30 s ahead", () => {
  test("goes before all that came less than 30 s earlier, and behind those that came before them", () => {
    const scheduler = busy();
    scheduler.enter({ id: "30 001 ms earlier" }, NOW + 1);
    scheduler.enter({ id: "30 000 ms earlier" }, NOW + 2);
    scheduler.enter({ id: "29 999 ms earlier" }, NOW + 3);
    scheduler.enter({ id: "2 ms earlier" }, NOW + 30_000);
    scheduler.enter({ id: "ahead", aheadMs: 30_000 }, NOW + 30_002);
    expect(scheduler.placeOf("ahead")).toBe(3);
    expect(order(scheduler, NOW + 30_003)).toEqual([
      "30 001 ms earlier",
      "30 000 ms earlier",
      "ahead",
      "29 999 ms earlier",
      "2 ms earlier",
    ]);
  });

  test("goes behind those that go 30 s ahead as well, and came before it", () => {
    const scheduler = busy();
    for (const [ms, id] of ["one", "two", "three"].entries())
      scheduler.enter({ id, aheadMs: 30_000 }, NOW + ms);
    expect(order(scheduler, NOW + 100)).toEqual(["one", "two", "three"]);
  });

  test("starves nobody: however many come, one that does not waits for those of the next 30 s", () => {
    const scheduler = busy();
    scheduler.enter({ id: "patient" }, NOW + 1);
    const granted: string[] = [];
    // Twice as many as can be served.
    for (let ms = 500; !granted.includes("patient"); ms += 500) {
      scheduler.enter({ id: `${ms} ms later`, aheadMs: 30_000 }, NOW + ms);
      if (ms % 1_000 === 0) scheduler.end(granted.at(-1) ?? "first", DONE, NOW + ms);
      granted.push(...grantedBy(scheduler));
    }
    expect(granted.slice(-2)).toEqual(["30000 ms later", "patient"]);
    expect(granted.length).toBe(61);
  });
});

test("a request that goes 30 s behind goes behind all that come in the next 30 s, and before those that come later", () => {
  const scheduler = busy();
  scheduler.enter({ id: "behind", aheadMs: -30_000 }, NOW + 1);
  scheduler.enter({ id: "29 999 ms later" }, NOW + 30_000);
  scheduler.enter({ id: "30 000 ms later" }, NOW + 30_001);
  scheduler.enter({ id: "30 001 ms later" }, NOW + 30_002);
  expect(order(scheduler, NOW + 30_003)).toEqual([
    "29 999 ms later",
    "behind",
    "30 000 ms later",
    "30 001 ms later",
  ]);
});

test("a retry goes as far ahead as its request did", () => {
  const scheduler = new Scheduler(settings(KEYS), null, NOW);
  const entered = scheduler.enter({ id: "gold", aheadMs: 30_000 }, NOW);
  scheduler.enter({ id: "iron 1" }, NOW + 1);
  scheduler.enter({ id: "gold later", aheadMs: 30_000 }, NOW + 2);
  scheduler.takeChanges();
  const token = entered as number;
  const retry = { server: "a", restMs: 0, avoid: false };
  scheduler.enter({ id: "gold again", token, aheadMs: 30_000, retry }, NOW + 10);
  scheduler.end("gold", { how: "broken", retried: true }, NOW + 10);
  expect(grantedBy(scheduler)).toEqual(["gold again"]);
  expect(order(scheduler, NOW + 20, "gold again")).toEqual(["gold later", "iron 1"]);
});

test("a deferred request goes ahead among direct ones, and the other way round", () => {
  const scheduler = busy();
  const expiresAt = NOW + 3_600_000;
  scheduler.enter({ id: "direct" }, NOW + 1);
  scheduler.enter({ id: "deferred", expiresAt }, NOW + 2);
  scheduler.enter({ id: "deferred ahead", expiresAt, aheadMs: 5 }, NOW + 3);
  scheduler.enter({ id: "direct ahead", aheadMs: 10 }, NOW + 4);
  expect(order(scheduler, NOW + 10)).toEqual(["direct ahead", "deferred ahead", "direct", "deferred"]);
});

test("where clients share, a request goes ahead of those of its own client only", () => {
  const scheduler = busy({ flow: "address" });
  for (const id of ["x1", "x2"]) scheduler.enter({ id, flow: "x" }, NOW + 1);
  scheduler.enter({ id: "y1", flow: "y" }, NOW + 2);
  scheduler.enter({ id: "x ahead", flow: "x", aheadMs: 3_600_000 }, NOW + 3);
  scheduler.enter({ id: "x ahead, too", flow: "x", aheadMs: 3_600_000 }, NOW + 4);
  const granted = order(scheduler, NOW + 10);
  expect(granted.filter((id) => id.startsWith("x"))).toEqual(["x ahead", "x ahead, too", "x1", "x2"]);
  expect(granted.indexOf("y1")).toBeLessThanOrEqual(1);
});

describe("after a crash the order is the same", () => {
  const leased = {
    ...{ server: serverAt("a"), index: 0, state: "leased" as const, lease: "first", flow: null, hop: 0 },
    ...{ since: NOW - 90_000, until: NOW, lost: false },
  };
  const came: Record<string, { agoMs: number; aheadMs: number }> = {
    "gold late": { agoMs: 10_000, aheadMs: 60_000 },
    "iron early": { agoMs: 65_000, aheadMs: 0 },
    "gold early": { agoMs: 20_000, aheadMs: 60_000 },
    "lead early": { agoMs: 80_000, aheadMs: -30_000 },
    "iron late": { agoMs: 5_000, aheadMs: 0 },
    stored: { agoMs: 15_000, aheadMs: 52_000 },
  };
  const inOrder = ["gold early", "gold late", "stored", "iron early", "lead early", "iron late"];
  /** As its Worker or the ledger says it. `told`: it knows its token. */
  const ask = (id: string, told: boolean, now: number): TicketRequest => {
    const { agoMs, aheadMs } = came[id] as (typeof came)[string];
    return { id, aheadMs, waitedMs: now - NOW + agoMs, ...(told ? { token: NOW - agoMs } : {}) };
  };
  const stored = { ...ask("stored", true, NOW), expiresAt: NOW + 3_600_000 };

  test.each([
    ["told their tokens", () => true],
    ["not told any", () => false],
    ["some told a token, some not", (id: string) => id.startsWith("gold")],
  ])("whichever returns first, %s", (_told, isTold) => {
    const ids = Object.keys(came).filter((id) => id !== "stored");
    for (const returns of [ids, [...ids].reverse()]) {
      const restored = restoredWith({ slots: [leased], deferred: [stored] });
      const scheduler = new Scheduler(settings(KEYS), restored, NOW);
      scheduler.enter({ id: "new" }, NOW + 50);
      for (const [n, id] of returns.entries())
        scheduler.enter(ask(id, isTold(id), NOW + 60 + n), NOW + 60 + n);
      scheduler.takeChanges();
      expect(order(scheduler, NOW + 3_000)).toEqual([...inOrder, "new"]);
    }
  });
});

describe("a client that waits no longer than it wants to", () => {
  test("is refused then, though the pool would let it wait, in a drain, too", () => {
    const scheduler = busy();
    scheduler.enter({ id: "hurried", patienceMs: 5_000 }, NOW + 1);
    scheduler.enter({ id: "patient" }, NOW + 1);
    scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: NOW + 60_000 }, NOW + 2);
    scheduler.takeChanges();
    expect(scheduler.nextTick()).toBe(NOW + 5_001);
    scheduler.tick(NOW + 5_001);
    expect(scheduler.takeChanges().decisions).toMatchObject([
      { kind: "refuse", ticket: "hurried", code: "queue-timeout" },
    ]);
    expect(scheduler.isQueued("patient")).toBe(true);
  });

  test("gets a slot that is free, and is else refused at once, if it does not want to wait at all", () => {
    const scheduler = new Scheduler(settings(KEYS), null, NOW);
    scheduler.enter({ id: "one", patienceMs: 0 }, NOW);
    scheduler.enter({ id: "two", patienceMs: 0 }, NOW);
    expect(scheduler.takeChanges().decisions).toMatchObject([
      { kind: "grant", ticket: "one" },
      { kind: "refuse", ticket: "two", code: "queue-timeout" },
    ]);
    expect(scheduler.queued).toBe(0);
  });

  test("waits no longer than the pool lets it, however patient it is", () => {
    const scheduler = busy({ queue_timeout: "10s" });
    scheduler.enter({ id: "patient", patienceMs: 3_600_000, deferAfterMs: 3_600_000 }, NOW);
    scheduler.takeChanges();
    scheduler.tick(NOW + 10_000);
    expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "refuse", code: "queue-timeout" }]);
  });

  test("has used up the time of its earlier attempts, but not that at servers", () => {
    const scheduler = busy();
    const retry = { server: "a", restMs: 0, avoid: false };
    scheduler.enter({ id: "again", token: NOW - 60_000, waitedMs: 4_000, patienceMs: 5_000, retry }, NOW);
    scheduler.takeChanges();
    scheduler.tick(NOW + 999);
    expect(scheduler.takeChanges().decisions).toEqual([]);
    scheduler.tick(NOW + 1_000);
    expect(scheduler.takeChanges().decisions).toMatchObject([{ kind: "refuse", ticket: "again" }]);
  });
});

describe("a client that wants to have its request stored after a while", () => {
  function deferred(): { scheduler: Scheduler; token: number } {
    const scheduler = busy();
    scheduler.enter({ id: "earlier" }, NOW + 1);
    scheduler.enter({ id: "page", deferAfterMs: 5_000 }, NOW + 2);
    scheduler.enter({ id: "later" }, NOW + 3);
    scheduler.takeChanges();
    scheduler.tick(NOW + 5_002);
    const [decision] = scheduler.takeChanges().decisions;
    if (decision?.kind !== "defer") throw new Error(`${decision?.kind}`);
    return { scheduler, token: decision.token };
  }

  test("is told so then, is off the list, and counts as having left", () => {
    const { scheduler } = deferred();
    expect(scheduler.isQueued("page")).toBe(false);
    expect(scheduler.totals).toMatchObject({ accepted: 4, abandoned: 1, refused: {} });
  });

  test("gets its place back once it is stored, and is counted once", () => {
    const { scheduler, token } = deferred();
    expect(scheduler.deferRefusal(0, NOW + 6_000, { token })).toBeNull();
    scheduler.storedAfterWait();
    scheduler.enter({ id: "stored", token, expiresAt: NOW + 3_600_000 }, NOW + 6_000);
    expect(scheduler.totals).toMatchObject({ accepted: 4, abandoned: 0 });
    expect(scheduler.placeOf("stored")).toBe(2);
    expect(order(scheduler, NOW + 7_000)).toEqual(["earlier", "stored", "later"]);
  });

  test("does not make a restart that others return from any shorter", () => {
    const lease = {
      server: serverAt("a"),
      index: 0,
      state: "leased" as const,
      lease: "first",
      flow: null,
      hop: 0,
    };
    const slots = [{ ...lease, since: NOW - 90_000, until: NOW, lost: false }];
    const scheduler = new Scheduler(settings(KEYS), restoredWith({ slots }), NOW);
    scheduler.end("first", DONE, NOW);
    scheduler.storedAfterWait();
    scheduler.enter({ id: "stored", token: NOW - 10, expiresAt: NOW + 3_600_000 }, NOW + 10);
    scheduler.tick(NOW + 400);
    expect(grantedBy(scheduler)).toEqual([]);
  });

  test("is refused instead if it has no more patience by then", () => {
    const scheduler = busy();
    scheduler.enter({ id: "hurried", patienceMs: 4_000, deferAfterMs: 5_000 }, NOW);
    scheduler.enter({ id: "both", patienceMs: 4_000, deferAfterMs: 4_000 }, NOW);
    scheduler.takeChanges();
    scheduler.tick(NOW + 4_000);
    expect(scheduler.takeChanges().decisions).toMatchObject([
      { kind: "refuse", ticket: "hurried", code: "queue-timeout" },
      { kind: "defer", ticket: "both" },
    ]);
  });
});
