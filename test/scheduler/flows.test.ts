import { describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import { NOBODY, type SlotRow, type SlotState } from "../../src/scheduler/terms/rows.ts";
import { DONE } from "./ends.ts";
import { LedgerModel, restoredWith } from "./ledger-model.ts";
import { serverAt, settings } from "./settings.ts";

const NOW = 1_000_000;
const KEYS = {
  flow: "address",
  servers: [{ name: "a", url: "http://a.example" }],
  quarantine: { max: "20s", broken: "1s" },
  deferred: {},
};
const RETRY = { server: "a", restMs: 0, avoid: false };

function start(keys: Record<string, unknown> = {}): Scheduler {
  return new Scheduler(settings({ ...KEYS, ...keys }), null, NOW);
}

/** These come one after the other: `x1` is the first of client x. */
function come(scheduler: Scheduler, now: number, ...ids: string[]): void {
  for (const id of ids) scheduler.enter({ id, flow: id.slice(0, 1) }, now);
}

function decided(scheduler: Scheduler): string[] {
  return scheduler
    .takeChanges()
    .decisions.map((one) =>
      one.kind === "refuse" ? `${one.ticket} ${one.code}` : `${one.ticket} ${one.kind}`,
    );
}

function granted(scheduler: Scheduler): string[] {
  return decided(scheduler)
    .filter((one) => one.endsWith(" grant"))
    .map((one) => one.replace(" grant", ""));
}

/** The request that holds the one slot ends after so long, again and again. */
function serveAll(scheduler: Scheduler, from: number, everyMs: number, first: string): string[] {
  const order = [first];
  for (let now = from + everyMs; scheduler.queued > 0; now += everyMs) {
    scheduler.end(order.at(-1) as string, DONE, now);
    order.push(...granted(scheduler));
  }
  return order;
}

test("clients take turns, however many requests each has, and each client's go in their order", () => {
  const scheduler = start();
  come(scheduler, NOW, "x1", "x2", "x3", "x4", "y1", "y2", "z1");
  expect(granted(scheduler)).toEqual(["x1"]);
  expect(serveAll(scheduler, NOW, 100, "x1")).toEqual(["x1", "y1", "z1", "x2", "y2", "x3", "x4"]);
});

test("requests that nothing tells apart are one client's", () => {
  const scheduler = start();
  for (const id of ["1", "2", "3"]) scheduler.enter({ id }, NOW);
  come(scheduler, NOW, "x1");
  granted(scheduler);
  expect(serveAll(scheduler, NOW, 100, "1")).toEqual(["1", "x1", "2", "3"]);
});

test("without flow nobody is told apart: first come, first served", () => {
  const scheduler = start({ flow: undefined });
  come(scheduler, NOW, "x1", "x2", "x3", "y1");
  granted(scheduler);
  expect(serveAll(scheduler, NOW, 100, "x1")).toEqual(["x1", "x2", "x3", "y1"]);
  expect([scheduler.flows(NOW), scheduler.longestFlow]).toEqual([null, null]);
});

test("a client's place says how many go before it, by turns; a new client is told the same before it comes", () => {
  const scheduler = start();
  come(scheduler, NOW, "x0", "x1", "x2", "x3", "x4", "y1", "y2");
  // It has had nothing yet, and x is being served.
  expect(["x1", "x2", "x4", "y1", "y2"].map((id) => scheduler.placeOf(id))).toEqual([2, 4, 6, 1, 3]);
  expect(scheduler.admission.outlook("z", NOW + 10_000).queued).toBe(2);
  expect(scheduler.admission.outlook("x", NOW + 10_000).queued).toBe(6);
});

test("a retry goes before all of its client, who is not made to wait for the attempt that failed", () => {
  const scheduler = start({ quarantine: { broken: "0s" } });
  come(scheduler, NOW, "x1", "y1", "x2");
  const token = NOW;
  scheduler.enter({ id: "x1 again", flow: "x", token, retry: RETRY }, NOW + 5_000);
  scheduler.end("x1", { how: "broken", retried: true }, NOW + 5_000);
  expect(granted(scheduler)).toEqual(["x1", "x1 again"]);
  // Now it has had its turn, of both attempts.
  come(scheduler, NOW + 5_000, "y2", "y3", "y4", "y5", "y6", "y7");
  const order = serveAll(scheduler, NOW + 5_000, 1_000, "x1 again");
  expect(order).toEqual(["x1 again", "y1", "y2", "y3", "y4", "y5", "y6", "x2", "y7"]);
});

test("a request that its server was too busy for waits for its turn again, as its client has had one", () => {
  const scheduler = start();
  come(scheduler, NOW, "x1", "y1", "x2");
  scheduler.enter({ id: "x1 again", flow: "x", token: NOW, retry: RETRY }, NOW + 5_000);
  scheduler.end("x1", { how: "busy", restMs: 50 }, NOW + 5_000);
  scheduler.tick(NOW + 5_050);
  expect(granted(scheduler)).toEqual(["x1", "y1"]);
  expect(serveAll(scheduler, NOW + 5_050, 1_000, "y1")).toEqual(["y1", "x1 again", "x2"]);
});

test("a client that gives up after a failed attempt has had its turn", () => {
  const scheduler = start();
  come(scheduler, NOW, "x1", "y1", "y2", "y3", "y4");
  scheduler.enter({ id: "x1 again", flow: "x", token: NOW, retry: RETRY }, NOW + 3_500);
  scheduler.end("x1", { how: "broken", retried: true }, NOW + 3_500);
  scheduler.leave("x1 again", NOW + 3_600);
  come(scheduler, NOW + 3_600, "x2");
  scheduler.tick(NOW + 4_500);
  expect(granted(scheduler)).toEqual(["x1", "y1"]);
  expect(serveAll(scheduler, NOW + 4_500, 1_000, "y1")).toEqual(["y1", "y2", "y3", "y4", "x2"]);
});

test.each([
  ["gives up after", (scheduler: Scheduler, now: number) => scheduler.leave("again", now + 1)],
  ["will not wait any longer after", () => {}, { patienceMs: 0 }],
])(
  "a client that %s each failed attempt, and always has more that wait, gets no more than its share",
  (...given) => {
    const [_, after, wants = {}] = given;
    const scheduler = start();
    come(scheduler, NOW, "x0", "y1", "y2", "y3", "y4", "y5", "y6");
    const order = granted(scheduler);
    for (let now = NOW + 1; order.length < 8; now += 2_001) {
      const atServer = order.at(-1) as string;
      come(scheduler, now, `x${order.length}`);
      if (atServer.startsWith("y")) scheduler.end(atServer, DONE, now + 2_000);
      else {
        scheduler.enter({ id: "again", flow: "x", token: now - 1, retry: RETRY, ...wants }, now + 1_000);
        scheduler.end(atServer, { how: "broken", retried: true }, now + 1_000);
        after(scheduler, now + 1_000);
        scheduler.tick(now + 2_000);
      }
      order.push(...granted(scheduler));
    }
    // One that failed held its slot for half as long.
    expect(order.filter((id) => id.startsWith("y")).length).toBeGreaterThan(2);
  },
);

test("nobody pays for hours in which the machine slept, or that its clock has skipped", () => {
  const HOURS = 8 * 3_600_000;
  for (const wake of ["renew", "end", "tick"] as const) {
    const scheduler = start();
    come(scheduler, NOW, "x1", "x2", "x3", "y1", "y2", "y3", "y4", "y5", "y6");
    const order = granted(scheduler);
    const now = NOW + HOURS;
    if (wake === "renew") scheduler.renew("x1", now);
    if (wake === "tick") scheduler.tick(now);
    scheduler.end("x1", DONE, now);
    order.push(...granted(scheduler));
    for (let now = NOW + HOURS + 20_000; scheduler.queued > 0; now += 20_000) {
      scheduler.end(order.at(-1) as string, DONE, now);
      order.push(...granted(scheduler));
    }
    // As much as a lease and its quarantine take without a word: 50 s, and three requests of 20 s are more.
    expect(order.indexOf("x2"), wake).toBeLessThanOrEqual(4);
  }
});

test.each<[string, LeaseEnd, Record<string, unknown>]>([
  ["cools down", DONE, { cooldown: "1s" }],
  ["rests, as its server was busy for somebody else", { how: "busy", restMs: 1_000 }, {}],
])("a client pays for the time for which a slot %s after its request", (_, end, keys) => {
  const scheduler = start(keys);
  come(scheduler, NOW, "x1", "x2", "x3", "x4", "x5", "x6", "y1", "y2", "y3");
  const order = granted(scheduler);
  for (let now = NOW; order.length < 6; ) {
    const isOfX = order.at(-1)?.startsWith("x");
    now += isOfX ? 1 : 1_001;
    scheduler.end(order.at(-1) as string, isOfX ? end : DONE, now);
    order.push(...granted(scheduler));
    if (scheduler.isLeased(order.at(-1) as string)) continue;
    now += 1_000;
    scheduler.tick(now);
    order.push(...granted(scheduler));
  }
  expect(order.filter((id) => id.startsWith("y")).length).toBeGreaterThan(1);
});

test("a new client is served next, and by turns from then on, however many were served before it", () => {
  const scheduler = start();
  for (let n = 0; n < 30; n++) scheduler.enter({ id: `once ${n}`, flow: `once ${n}` }, NOW);
  come(scheduler, NOW, ...Array.from({ length: 20 }, (_, n) => `x${n}`));
  let last = "once 0";
  let now = NOW;
  granted(scheduler);
  for (let served = 0; served < 35; served++) {
    now += 1_000;
    scheduler.end(last, DONE, now);
    last = granted(scheduler)[0] as string;
  }
  come(scheduler, now, "z1", "z2");
  expect(serveAll(scheduler, now, 1_000, last).slice(0, 5)).toEqual(["x5", "z1", "x6", "z2", "x7"]);
});

test("a client is not charged for a slot that it gives back unused", () => {
  const scheduler = start();
  come(scheduler, NOW, "x1", "x2", "x3", "y1", "y2");
  scheduler.end("x1", DONE, NOW + 1_000);
  // A request is taken to need a second from now on.
  expect(granted(scheduler)).toEqual(["x1", "y1"]);
  scheduler.end("y1", DONE, NOW + 2_000);
  expect(granted(scheduler)).toEqual(["x2"]);
  scheduler.end("x2", { how: "unused" }, NOW + 2_000);
  expect(granted(scheduler)).toEqual(["x3"]);
});

describe("max_in_flight_per_flow", () => {
  const limited = (slots: number, most: number, keys: Record<string, unknown> = {}) =>
    start({ slots, max_in_flight_per_flow: most, ...keys });

  test("keeps a client from further slots, which stay free for others", () => {
    const scheduler = limited(3, 2);
    come(scheduler, NOW, "x1", "x2", "x3", "y1");
    expect(decided(scheduler)).toEqual(["x1 grant", "x2 grant", "x3 queued", "y1 grant"]);
    scheduler.end("y1", DONE, NOW + 10);
    expect(decided(scheduler)).toEqual([]);
    scheduler.end("x2", DONE, NOW + 20);
    expect(decided(scheduler)).toEqual(["x3 grant"]);
  });

  test.each<[string, LeaseEnd, number]>([
    ["has ended", DONE, 0],
    ["was given back", { how: "unused" }, 0],
    ["was cut off, as its client left: until its server is done with it", { how: "client" }, 20_000],
    ["timed out: until its server is done with it", { how: "timeout" }, 20_000],
    ["its server broke off", { how: "broken" }, 1_000],
  ])("counts a slot whose request %s", (_why, end, ms) => {
    const scheduler = limited(2, 1);
    come(scheduler, NOW, "x1", "x2");
    granted(scheduler);
    scheduler.end("x1", end, NOW + 100);
    if (ms > 0) scheduler.tick(NOW + 100 + ms - 1);
    expect(granted(scheduler)).toEqual(ms === 0 ? ["x2"] : []);
    scheduler.tick(NOW + 100 + ms);
    expect(granted(scheduler)).toEqual(ms === 0 ? [] : ["x2"]);
  });

  test("does not count a slot that cools down, or that a failed attempt has left closed", () => {
    const scheduler = limited(3, 1, { cooldown: "5s" });
    come(scheduler, NOW, "x1", "x2", "x3");
    scheduler.end("x1", DONE, NOW + 10);
    expect(granted(scheduler)).toEqual(["x1", "x2"]);
    scheduler.enter({ id: "x2 again", flow: "x", token: NOW, retry: RETRY }, NOW + 20);
    scheduler.end("x2", { how: "broken", retried: true }, NOW + 20);
    expect(granted(scheduler)).toEqual(["x2 again"]);
  });

  const slot = (state: SlotState, flow: string | null, index = 0): SlotRow => ({
    ...{ server: serverAt("a"), index, state, lease: `old ${index}`, flow, hop: 0, since: NOW - 1_000 },
    ...{ until: NOW + 15_000, lost: false },
  });

  test.each<[SlotState, string | null, string | null]>([
    ["leased", "x", null],
    ["orphaned", "x", null],
    ["quarantined", "x", null],
    ["cut", "x", null],
    ["cooling", "x", "x1"],
    ["resting", "x", "x1"],
    ["checking", null, "x1"],
    ["leased", "y", "x1"],
    // A failed attempt's.
    ["quarantined", NOBODY, "x1"],
  ])(
    "holds through a restart: with a slot that is %s, of %j, the other one is given to %j",
    (state, flow, id) => {
      const keys = { ...KEYS, slots: 2, max_in_flight_per_flow: 1, cooldown: "10s" };
      const scheduler = new Scheduler(settings(keys), restoredWith({ slots: [slot(state, flow)] }), NOW);
      come(scheduler, NOW, "x1");
      scheduler.tick(NOW + 600);
      expect(granted(scheduler)).toEqual(id === null ? [] : [id]);
    },
  );

  test("of requests that nothing tells apart holds through a restart, and does not count others' failed attempts", () => {
    for (const [flow, count] of [
      [null, 0],
      [NOBODY, 1],
    ] as const) {
      const keys = { ...KEYS, slots: 2, max_in_flight_per_flow: 1 };
      const restored = restoredWith({ slots: [slot("quarantined", flow)] });
      const scheduler = new Scheduler(settings(keys), restored, NOW);
      scheduler.enter({ id: "1" }, NOW);
      scheduler.tick(NOW + 600);
      expect(granted(scheduler).length, `${flow}`).toBe(count);
    }
  });

  test("lets the estimate of a client's wait be no shorter than its own requests let it be", () => {
    const scheduler = limited(10, 1);
    come(scheduler, NOW, "x1");
    scheduler.end("x1", DONE, NOW + 10_000);
    come(scheduler, NOW + 10_000, "x2", "x3", "x4", "x5");
    expect(scheduler.admission.ticketStartsInMs("x5", 5, NOW + 10_000)).toBe(30_000);
    expect(scheduler.admission.outlook("x", NOW + 10_000).estimatedWaitMs).toBe(40_000);
    expect(scheduler.admission.outlook("y", NOW + 10_000).estimatedWaitMs).toBeLessThan(10_000);
  });
});

describe("max_queue_per_flow", () => {
  test("refuses a client whose requests wait in such numbers, and no other; retries and stored ones wait beyond it", () => {
    const scheduler = start({ max_queue_per_flow: 2 });
    come(scheduler, NOW, "y1", "x1");
    scheduler.enter({ id: "x stored", flow: "x", expiresAt: NOW + 60_000 }, NOW);
    decided(scheduler);
    come(scheduler, NOW, "x2", "z1");
    expect(decided(scheduler)).toEqual(["x2 flow-queue-full", "z1 queued"]);
    expect(scheduler.deferRefusal(1, NOW, { flow: "x" })).toBe("flow-queue-full");
    expect(scheduler.deferRefusal(1, NOW, { flow: "x", token: NOW })).toBeNull();
    expect(scheduler.deferRefusal(1, NOW, { flow: "z" })).toBeNull();
    scheduler.enter({ id: "x again", flow: "x", token: NOW - 5, retry: RETRY }, NOW);
    expect(decided(scheduler)).toEqual(["x again queued"]);
    expect(scheduler.totals.refused).toEqual({ "flow-queue-full": 2 });
    expect(scheduler.longestFlow).toBe(3);
  });

  test("refuses nobody who waited before a restart", () => {
    const restored = restoredWith({ drain: { owner: "me", ...drain() } });
    const scheduler = new Scheduler(settings({ ...KEYS, max_queue_per_flow: 2 }), restored, NOW);
    for (let n = 0; n < 5; n++) scheduler.enter({ id: `x${n}`, flow: "x", token: NOW - 100 + n }, NOW + 10);
    come(scheduler, NOW + 20, "x new", "y1");
    expect(decided(scheduler)).toEqual([
      ...["x0 queued", "x1 queued", "x2 queued", "x3 queued", "x4 queued"],
      ...["x new flow-queue-full", "y1 queued"],
    ]);
  });

  const drain = () => ({
    ...{ by: "me", reason: null, since: NOW - 1_000, expiresAt: NOW + 60_000 },
    ...{ cutAt: null, isCut: false, stop: null },
  });
});

describe("a retry that waits for another server than the free one", () => {
  const servers = ["a", "b"].map((name) => ({ name, url: `http://${name}.example` }));
  const failing = (...ids: string[]) => {
    const scheduler = start({ servers, balance: "first", quarantine: { broken: "0s" } });
    come(scheduler, NOW, ...ids);
    expect(granted(scheduler)).toEqual(ids.slice(0, 2));
    return scheduler;
  };
  const retry = (scheduler: Scheduler, id: string, server: string, now: number) => {
    const asks = { flow: id.slice(0, 1), token: NOW, retry: { server, restMs: 0, avoid: true } };
    scheduler.enter({ id: `${id} again`, ...asks }, now);
    scheduler.end(id, { how: "broken", retried: true }, now);
  };

  test("keeps its client's other requests from that one, and nobody else's", () => {
    const scheduler = failing("x1", "y1", "x2");
    retry(scheduler, "x1", "a", NOW + 10);
    expect(granted(scheduler)).toEqual([]);
    come(scheduler, NOW + 20, "z1", "z2");
    expect(granted(scheduler)).toEqual(["z1"]);
    // It is its turn as soon as the other one is free.
    scheduler.end("y1", DONE, NOW + 30);
    expect(granted(scheduler)).toEqual(["x1 again"]);
  });

  test("goes to any once it has waited for a second, though another client's, which is next, waits for longer", () => {
    const scheduler = failing("x1", "x2");
    retry(scheduler, "x1", "a", NOW + 10);
    // From now on x has had more than others.
    scheduler.renew("x2", NOW + 500);
    come(scheduler, NOW + 600, "z1");
    expect(granted(scheduler)).toEqual(["z1"]);
    retry(scheduler, "z1", "a", NOW + 700);
    expect(granted(scheduler)).toEqual([]);
    expect([scheduler.placeOf("z1 again"), scheduler.placeOf("x1 again")]).toEqual([1, 2]);
    expect(scheduler.nextTick()).toBe(NOW + 1_010);
    scheduler.tick(NOW + 1_010);
    expect(granted(scheduler)).toEqual(["x1 again"]);
    scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: NOW + 60_000 }, NOW + 1_020);
    scheduler.tick(NOW + 2_000);
    expect(scheduler.nextTick()).toBeGreaterThan(NOW + 2_000);
  });
});

test("500 requests of ten clients come through two restarts: all are served, each client's in their order, all clients alike", () => {
  const CLIENTS = 10;
  const config = settings({ ...KEYS, slots: 3 });
  const ledger = new LedgerModel();
  let scheduler = new Scheduler(config, null, NOW);
  let now = NOW;
  const tokens = new Map<string, number>();
  const running = new Map<string, number>();
  const served: string[] = [];
  const flowOf = (id: string) => id.split(" ")[0] as string;
  const settle = () => {
    const changes = scheduler.takeChanges();
    ledger.write(changes, scheduler, now);
    for (const decision of changes.decisions) {
      if (!("token" in decision)) throw new Error(decision.kind);
      tokens.set(decision.ticket, decision.token);
      if (decision.kind !== "grant") continue;
      served.push(decision.ticket);
      running.set(decision.ticket, now + 1_000);
    }
  };
  const play = (until: number) => {
    for (; now < until; now += 100) {
      for (const [id, endsAt] of running) {
        if (endsAt > now) continue;
        running.delete(id);
        scheduler.end(id, DONE, now);
      }
      scheduler.tick(now);
      settle();
    }
  };
  /** Each knows its token or how long it has waited; they return in another order than they came. */
  const restart = (waiting: readonly string[], salt: number) => {
    scheduler = new Scheduler(config, ledger.load(now), now);
    const returning = [...waiting].sort(
      (a, b) => ((Number(a.split(" ")[1]) * salt) % 509) - ((Number(b.split(" ")[1]) * salt) % 509),
    );
    for (const [n, id] of returning.entries()) {
      const waitedMs = now - (cameAt.get(id) as number);
      const token = n % 3 === 0 ? {} : { token: tokens.get(id) as number };
      scheduler.enter({ id, flow: flowOf(id), waitedMs, ...token }, now);
      settle();
    }
  };
  const cameAt = new Map<string, number>();
  for (let n = 0; n < 500; n++, now += 2) {
    // The first client has as many as all others, and the last ones come last.
    const client = n % 2 === 0 ? 0 : 1 + Math.floor((n / 500) * (CLIENTS - 1));
    const id = `c${client} ${n}`;
    cameAt.set(id, now);
    scheduler.enter({ id, flow: flowOf(id) }, now);
    settle();
  }
  const waiting = () => [...cameAt.keys()].filter((id) => !served.includes(id));
  const all = () => [...new Set([...cameAt.keys()].map(flowOf))];
  const counts = (ids: readonly string[]) =>
    all().map((flow) => ids.filter((id) => flowOf(id) === flow).length);
  for (const salt of [17, 101]) {
    play(now + 20_000);
    const before = served.length;
    restart(waiting(), salt);
    play(now + 20_000);
    const since = counts(served.slice(before));
    expect(Math.max(...since) - Math.min(...since), `${since}`).toBeLessThanOrEqual(2);
  }
  play(now + 200_000);
  expect(served.length).toBe(500);
  for (const flow of all()) {
    const order = served.filter((id) => flowOf(id) === flow).map((id) => Number(id.split(" ")[1]));
    expect(order, flow).toEqual([...order].sort((a, b) => a - b));
  }
});
