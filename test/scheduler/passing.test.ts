import { describe, expect, test } from "vitest";
import { LEASE_TTL_MS } from "../../src/scheduler/fleet/leases.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { LeaseEnd } from "../../src/scheduler/terms/lease-end.ts";
import type { Passed } from "../../src/scheduler/terms/passing.ts";
import { leaseName } from "../../src/scheduler/terms/rows.ts";
import type { TicketRequest } from "../../src/scheduler/waiting/ticket.ts";
import { DONE } from "./ends.ts";
import { LedgerModel } from "./ledger-model.ts";
import { settings } from "./settings.ts";

const ONE = { servers: [{ name: "a", url: "http://a.example" }] };
const CHECK = { path: "/health", interval: "4s", rise: 1, fall: 1 };

/** A pool of one server with one slot unless told otherwise, and what its Workers see of it. */
class Played {
  now = 1_000_000;
  scheduler: Scheduler;
  readonly ledger = new LedgerModel();
  /** What tickets were told, in order: `granted x`. */
  readonly told: string[] = [];
  /** Isolates whose permission was taken back, and of which tickets they were told. */
  readonly recalls: string[] = [];
  /** Rows that were written. */
  rows = 0;
  readonly checks: string[] = [];
  readonly #settings: ReturnType<typeof settings>;
  #calls = 0;

  constructor(keys: Record<string, unknown> = {}) {
    this.#settings = settings({ ...ONE, ...keys });
    this.scheduler = new Scheduler(this.#settings, null, this.now, () => 0.5);
    this.settle();
  }

  /** Enters from an isolate; `null`: from a Worker that passes nothing on. Returns the number of the call. */
  enter(id: string, isolate: string | null = "one", wants: Partial<TicketRequest> = {}): number {
    const call = ++this.#calls;
    const from = isolate === null ? {} : { caller: { isolate, call } };
    this.scheduler.enter({ id, ...from, ...wants }, this.now);
    this.settle();
    return call;
  }

  /** The lease was passed on. */
  pass(lease: string, to: string, wants: Partial<Passed & { isolate: string }> = {}): void {
    const { isolate = "one", ...report } = wants;
    this.scheduler.passed(
      { lease, server: "a", hop: 1, end: DONE, to, agoMs: 0, ...report },
      isolate,
      this.now,
    );
    this.settle();
  }

  end(lease: string, end: LeaseEnd = DONE, hop = 0): void {
    this.scheduler.end(lease, end, this.now, hop);
    this.settle();
  }

  advance(ms: number): void {
    const until = this.now + ms;
    for (let at = this.scheduler.nextTick(); at <= until; at = this.scheduler.nextTick()) {
      this.now = Math.max(this.now, at);
      this.scheduler.tick(this.now);
      this.settle();
    }
    this.now = until;
  }

  drain(stop = false): void {
    const wanted = { owner: "me", by: "me", reason: null, expiresAt: this.now + 60_000 };
    this.scheduler.drain({ ...wanted, ...(stop ? { stop: { message: null } } : {}) }, this.now);
    this.settle();
  }

  crash(): void {
    this.scheduler = new Scheduler(this.#settings, this.ledger.load(this.now), this.now, () => 0.5);
    this.settle();
  }

  /** The calls that an isolate is told are next; `undefined`: it is told nothing at all. */
  next(isolate = "one"): readonly number[] | undefined {
    return this.scheduler.next(isolate)?.calls;
  }

  settle(): void {
    const changes = this.scheduler.takeChanges();
    this.rows += changes.slots.size;
    this.ledger.write(changes, this.scheduler, this.now);
    for (const { kind, ticket } of changes.decisions) this.told.push(`${kind} ${ticket}`);
    for (const question of changes.questions) if (question.kind === "check") this.checks.push(question.id);
    for (const [isolate, tickets] of changes.recalls)
      this.recalls.push(`${isolate}: ${tickets.map(({ id }) => id).join(" ")}`);
  }

  get totals() {
    const { accepted, completed, abandoned, passedOn } = this.scheduler.totals;
    return { accepted, completed, abandoned, passedOn };
  }

  /** What operators call the leases. */
  get names(): string[] {
    return [...this.scheduler.servers].flatMap((server) => [...server.occupiedSlots()].map(leaseName));
  }
}

describe("of a lease that has ended by a message that was faster", () => {
  test("each pass counts once, also where the heir had a slot of its own by then", () => {
    const pool = new Played();
    for (const id of ["x", "y"]) pool.enter(id);
    // Passed on to y.
    pool.end("x", DONE, 1);
    expect(pool.told.at(-1)).toBe("grant y");
    for (let n = 0; n < 2; n++) pool.pass("x", "y");
    expect(pool.totals).toEqual({ accepted: 2, completed: 2, abandoned: 0, passedOn: 1 });
    pool.end("y", { how: "unused", served: true });
    expect(pool.totals).toEqual({ accepted: 2, completed: 2, abandoned: 0, passedOn: 1 });
  });

  test("one counts of a lease that was cut off, whose holder has attached to hear of that", () => {
    const pool = new Played();
    pool.enter("x");
    pool.scheduler.changeServer("a", { state: "maint", cut: 0 }, "me", pool.now);
    pool.advance(1);
    expect(pool.scheduler.isCutOff("x")).toBe(true);
    pool.scheduler.attach("x", pool.now, 1);
    pool.end("x", { how: "cut" }, 1);
    pool.pass("x", "nobody");
    expect(pool.totals).toMatchObject({ completed: 1, passedOn: 1 });
  });

  test("several count, in any order", () => {
    const pool = new Played();
    for (const id of ["x", "y", "z"]) pool.enter(id);
    pool.pass("x", "y", { hop: 2, to: "z" });
    pool.end("x", DONE, 3);
    for (const hop of [3, 1, 3, 2, 1]) pool.pass("x", "nobody", { hop });
    expect(pool.totals).toMatchObject({ completed: 4, passedOn: 3 });
  });
});

describe("who is next", () => {
  test("are those at the head of the list, in order, as long as they are of the isolate that has all leases", () => {
    const pool = new Played();
    pool.enter("x");
    const [first, second] = [pool.enter("y"), pool.enter("z")];
    pool.enter("of another", "two");
    pool.enter("behind");
    expect(pool.next()).toEqual([first, second]);
    expect(pool.next("two")).toEqual([]);
  });

  test("is in the order of the list, not of the calls", () => {
    const pool = new Played();
    pool.enter("x");
    const late = pool.enter("late");
    const ahead = pool.enter("ahead", "one", { aheadMs: 10_000 });
    expect(pool.next()).toEqual([ahead, late]);
  });

  test("is nobody, while another isolate has a lease too, until one alone is left", () => {
    const pool = new Played({ slots: 2 });
    pool.enter("x");
    pool.enter("of another", "two");
    const call = pool.enter("y");
    expect(pool.next()).toEqual([]);
    // It is lost, and its slot goes to y.
    pool.end("of another");
    const next = pool.enter("z");
    expect(pool.told).toContain("grant y");
    expect(pool.next()).toEqual([next]);
    expect(next).toBeGreaterThan(call);
  });

  test.each(["stored", "of a Worker that passes nothing on", "a retry"])(
    "is nobody behind a request that is %s",
    (kind) => {
      const pool = new Played();
      pool.enter("x");
      const first = pool.enter("y");
      const wants = {
        stored: { expiresAt: pool.now + 60_000 },
        "a retry": { retry: { server: "a", restMs: 100, avoid: true } },
      }[kind];
      pool.enter("between", kind === "a retry" ? "one" : null, wants ?? {});
      pool.enter("z");
      expect(pool.next()).toEqual([first]);
    },
  );

  test.each([
    ["with a lease of a Worker that passes nothing on", null],
    ["with a lease of before a restart", "one"],
  ])("is nobody %s", (_, isolate) => {
    const pool = new Played();
    pool.enter("x", isolate);
    if (isolate !== null) pool.crash();
    pool.enter("y");
    pool.advance(3_000);
    expect(pool.next()).toEqual([]);
  });

  test.each([
    ["a drain", false],
    ["a stop", true],
  ])("is nobody in %s", (_, stop) => {
    const pool = new Played();
    pool.enter("x");
    pool.enter("y");
    pool.drain(stop);
    expect(pool.next()).toEqual([]);
  });

  test("is nobody while tickets regroup after a restart", () => {
    const pool = new Played({ slots: 2 });
    pool.enter("x");
    pool.crash();
    pool.enter("y", "one", { token: 1 });
    pool.pass("x", "nobody");
    expect(pool.scheduler.regrouping).toBe(true);
    expect(pool.next()).toEqual([]);
  });

  test("is the isolate's, once it has passed on all leases of before a restart", () => {
    const pool = new Played();
    pool.enter("x");
    pool.crash();
    const call = pool.enter("y", "one", { token: 1 });
    pool.advance(3_000);
    pool.pass("x", "nobody");
    expect(pool.next()).toEqual([call]);
  });

  test.each([
    ["clients share", { flow: "address" }],
    ["keys choose the server", { balance: "hash:path" }],
    ["slots cool down", { cooldown: "50ms" }],
  ])("is not told where %s, and nothing may be passed on", (_, keys) => {
    const pool = new Played(keys);
    pool.enter("x");
    pool.enter("y");
    expect(pool.next()).toBeUndefined();
    expect(pool.scheduler.passPermit("x", pool.now)).toBeUndefined();
  });

  test("are two for each slot, and 64 at most", () => {
    for (const [slots, count] of [
      [3, 6],
      [100, 64],
    ] as const) {
      const pool = new Played({ slots });
      for (let n = 0; n < 300; n++) pool.enter(`t${n}`);
      expect(pool.next()).toHaveLength(count);
    }
  });
});

describe("all is taken back that isolates were told", () => {
  const told = (keys: Record<string, unknown> = {}) => {
    const pool = new Played(keys);
    pool.enter("x");
    pool.enter("y");
    const permit = pool.scheduler.passPermit("x", pool.now);
    expect(pool.next()).toHaveLength(1);
    return { pool, version: permit?.version ?? Number.NaN };
  };
  const change = (pool: Played, patch: object) => {
    pool.scheduler.changeServer("a", patch, "me", pool.now);
    pool.settle();
  };

  test.each<[string, (pool: Played) => void]>([
    ["a drain begins", (pool) => pool.drain()],
    ["an operator takes a server out", (pool) => change(pool, { state: "drain" })],
    ["a server has another weight", (pool) => change(pool, { weight: 0 })],
    ["a server has another number of slots", (pool) => change(pool, { slots: 3 })],
    ["a request of another isolate goes ahead", (pool) => pool.enter("z", "two", { aheadMs: 60_000 })],
    [
      "a stored request goes ahead",
      (pool) => pool.enter("z", null, { expiresAt: pool.now + 1_000, aheadMs: 60_000 }),
    ],
  ])("when %s", (_, happens) => {
    const { pool, version } = told();
    happens(pool);
    // Where it has got a slot by that, there is nobody to be told.
    if (!pool.told.includes("grant y")) expect(pool.recalls).toEqual(["one: y"]);
    expect(pool.scheduler.next("one")?.notBefore).toBeGreaterThan(version);
  });

  test("when a server goes down", () => {
    const { pool, version } = told({ check: { ...CHECK, slot: false } });
    const report = { result: "failed", got: "status 500", cutOff: false } as const;
    pool.advance(0);
    pool.scheduler.checked(pool.checks[0] ?? "", report, pool.now);
    pool.settle();
    expect(pool.recalls).toEqual(["one: y"]);
    expect(pool.scheduler.next("one")?.notBefore).toBeGreaterThan(version);
  });

  test("and leases that are granted afterwards may be passed on again", () => {
    const { pool } = told();
    change(pool, { weight: 2 });
    pool.end("x");
    const permit = pool.scheduler.passPermit("y", pool.now);
    expect(permit?.version).toBeGreaterThanOrEqual(pool.scheduler.next("one")?.notBefore ?? Number.NaN);
  });

  test("not when a request of another isolate comes behind them", () => {
    const { pool } = told();
    pool.enter("z", "two");
    expect(pool.recalls).toEqual([]);
  });
});

describe("a lease may be passed on", () => {
  test("for 10 s, as long as it would be renewed after", () => {
    const pool = new Played();
    pool.enter("x");
    expect(pool.scheduler.passPermit("x", pool.now)).toMatchObject({ forMs: 10_000 });
    expect(pool.scheduler.uncertainUntil("x")).toBeGreaterThan(pool.now + 9_999);
  });

  test("until its server's next check is due, which then gets the slot", () => {
    const pool = new Played({ check: CHECK });
    const report = { result: "passed", got: "status 200", cutOff: false } as const;
    pool.enter("first");
    // Its server is overdue for a check.
    expect(pool.scheduler.passPermit("first", pool.now)).toBeUndefined();
    pool.enter("x");
    pool.end("first");
    pool.advance(1_500);
    pool.scheduler.checked(pool.checks[0] ?? "", report, pool.now);
    pool.settle();
    expect(pool.told.at(-1)).toBe("grant x");
    expect(pool.scheduler.passPermit("x", pool.now)?.forMs).toBe(4_000 - 1_500);
    pool.advance(2_500);
    expect(pool.scheduler.passPermit("x", pool.now)).toBeUndefined();
    pool.enter("y");
    pool.end("x");
    expect(pool.checks).toHaveLength(2);
    expect(pool.told).not.toContain("grant y");
  });

  test("for 10 s beside checks that take no slot", () => {
    const pool = new Played({ check: { ...CHECK, slot: false } });
    pool.enter("x");
    expect(pool.scheduler.passPermit("x", pool.now)?.forMs).toBe(10_000);
  });

  test("not once its holder has attached", () => {
    const pool = new Played();
    pool.enter("x");
    pool.scheduler.passPermit("x", pool.now);
    pool.scheduler.attach("x", pool.now);
    expect(pool.scheduler.uncertainUntil("x")).toBeLessThanOrEqual(pool.now);
  });
});

describe("a pass that is told", () => {
  test("writes no row, takes its heir off the list and answers it", () => {
    const pool = new Played();
    pool.enter("x");
    pool.enter("y");
    const { rows } = pool;
    pool.pass("x", "y");
    expect(pool.rows).toBe(rows);
    expect(pool.told.at(-1)).toBe("passed y");
    expect(pool.scheduler.queued).toBe(0);
    expect(pool.totals).toEqual({ accepted: 2, completed: 1, abandoned: 0, passedOn: 1 });
  });

  test("counts once, however often and in whatever order it is told", () => {
    const pool = new Played();
    for (const id of ["x", "y", "z", "w"]) pool.enter(id);
    for (const [hop, to] of [
      [3, "w"],
      [2, "z"],
      [3, "w"],
      [1, "y"],
      [2, "z"],
      [1, "y"],
    ] as const)
      pool.pass("x", to, { hop });
    expect(pool.totals).toEqual({ accepted: 4, completed: 3, abandoned: 0, passedOn: 3 });
    expect(pool.told.slice(-3)).toEqual(["passed w", "passed z", "passed y"]);
    expect(pool.names).toEqual(["x.3"]);
  });

  test("renews the lease: its holder was alive", () => {
    const pool = new Played();
    pool.enter("x");
    pool.advance(LEASE_TTL_MS - 1);
    pool.enter("y");
    pool.pass("x", "y");
    pool.advance(LEASE_TTL_MS - 1);
    expect(pool.scheduler.isLeased("x")).toBe(true);
    expect(pool.totals.abandoned).toBe(0);
  });

  test("of a lease of before a restart makes it one of this instance", () => {
    const pool = new Played();
    pool.enter("x");
    pool.crash();
    pool.pass("x", "y");
    pool.advance(LEASE_TTL_MS - 1);
    expect(pool.totals.passedOn).toBe(1);
    expect([...pool.ledger.slots.values()].map(({ state }) => state)).toEqual(["leased"]);
  });

  test("of a lease that was presumed lost shows that it is not", () => {
    const pool = new Played();
    pool.enter("x");
    pool.advance(LEASE_TTL_MS);
    expect(pool.totals.abandoned).toBe(1);
    pool.pass("x", "y");
    expect(pool.totals).toEqual({ accepted: 1, completed: 1, abandoned: 0, passedOn: 1 });
    expect([...pool.ledger.slots.values()].map(({ state }) => state)).toEqual(["leased"]);
  });

  test("of a lease that was cut off counts, and the slot stays closed", () => {
    const pool = new Played();
    pool.enter("x");
    pool.enter("y");
    const wanted = { owner: "me", by: "me", reason: null, expiresAt: pool.now + 60_000, cutAt: pool.now };
    pool.scheduler.drain(wanted, pool.now);
    pool.settle();
    pool.pass("x", "y");
    expect(pool.totals).toMatchObject({ completed: 1, passedOn: 1 });
    expect([...pool.ledger.slots.values()].map(({ state }) => state)).toEqual(["cut"]);
    expect(pool.scheduler.renew("x", pool.now)).toBe(false);
  });

  test("of one whose slot nothing had been sent to counts it as abandoned", () => {
    const pool = new Played();
    pool.enter("x");
    pool.enter("y");
    pool.pass("x", "y", { end: { how: "unused" } });
    expect(pool.totals).toEqual({ accepted: 2, completed: 0, abandoned: 1, passedOn: 1 });
  });
});

describe("an operator", () => {
  test("frees a lease by the name that it has now, and not by one that it had", () => {
    const pool = new Played();
    for (const id of ["x", "y", "z"]) pool.enter(id);
    pool.pass("x", "y");
    expect(pool.names).toEqual(["x.1"]);
    for (const outdated of ["x", "x.0", "x.2"])
      expect(pool.scheduler.freeLease(outdated, "me", pool.now)).toBe(false);
    pool.pass("x", "z", { hop: 2 });
    expect(pool.scheduler.freeLease("x.1", "me", pool.now)).toBe(false);
    expect(pool.scheduler.freeLease("x.2", "me", pool.now)).toBe(true);
    expect(pool.scheduler.inFlight).toBe(0);
  });

  test.each([1, 2])(
    "frees no lease after %d restarts until its holder has said which request has it",
    (restarts) => {
      const pool = new Played();
      for (const id of ["x", "y"]) pool.enter(id);
      pool.pass("x", "y");
      for (let n = 0; n < restarts; n++) pool.crash();
      expect(pool.scheduler.uncertainUntil("x")).toBeGreaterThan(pool.now);
      pool.scheduler.attach("x", pool.now, 1);
      expect(pool.scheduler.uncertainUntil("x")).toBeLessThanOrEqual(pool.now);
      expect(pool.scheduler.freeLease("x", "me", pool.now)).toBe(false);
      expect(pool.scheduler.freeLease("x.1", "me", pool.now)).toBe(true);
    },
  );

  test("frees no lease after a restart by what a late report says: a later pass may be on its way", () => {
    const pool = new Played();
    for (const id of ["x", "y", "z"]) pool.enter(id);
    pool.crash();
    pool.pass("x", "y");
    expect(pool.names).toEqual(["x.restarted"]);
    expect(pool.scheduler.uncertainUntil("x.1")).toBeGreaterThan(pool.now);
    // That is over for certain.
    expect(pool.scheduler.uncertainUntil("x")).toBe(Number.NEGATIVE_INFINITY);
    pool.pass("x", "z", { hop: 2 });
    pool.scheduler.attach("x", pool.now, 2);
    expect(pool.scheduler.freeLease("x.1", "me", pool.now)).toBe(false);
    expect(pool.scheduler.freeLease("x.2", "me", pool.now)).toBe(true);
  });

  test("frees a lease whose holder is silent for as long as none is that lives, however often the object restarts", () => {
    const pool = new Played();
    pool.enter("x");
    for (let restart = 0; restart < 4; restart++) {
      pool.crash();
      expect(pool.scheduler.uncertainUntil("x.restarted")).toBeGreaterThan(pool.now);
      pool.advance(3_000);
    }
    pool.crash();
    expect(pool.scheduler.uncertainUntil("x.restarted")).toBeLessThanOrEqual(pool.now);
    expect(pool.scheduler.freeLease("x.restarted", "me", pool.now)).toBe(true);
  });

  test("frees no lease by what it was called before a restart, if nobody says that it is theirs", () => {
    const pool = new Played();
    pool.enter("x");
    pool.crash();
    expect(pool.scheduler.uncertainUntil("x")).toBeGreaterThan(pool.now);
    pool.advance(LEASE_TTL_MS - 1);
    expect(pool.scheduler.freeLease("x", "me", pool.now)).toBe(false);
    // It may have been at a server for another request than the one that the operator saw.
    expect(pool.names).toEqual(["x.restarted"]);
  });

  test("frees no lease by what it was called after a restart, once its holder has said which request has it", () => {
    const pool = new Played();
    for (const id of ["x", "y"]) pool.enter(id);
    pool.crash();
    expect(pool.names).toEqual(["x.restarted"]);
    pool.scheduler.attach("x", pool.now, 1);
    expect(pool.scheduler.uncertainUntil("x.restarted")).toBe(Number.NEGATIVE_INFINITY);
    expect(pool.scheduler.freeLease("x.restarted", "me", pool.now)).toBe(false);
    expect(pool.names).toEqual(["x.1"]);
  });

  test("finds a slot in quarantine after a restart by the name of the request whose end closed it", () => {
    const pool = new Played();
    for (const id of ["x", "y"]) pool.enter(id);
    pool.scheduler.end("x", { how: "broken" }, pool.now, 1);
    pool.settle();
    pool.crash();
    expect(pool.names).toEqual(["x.1"]);
    expect(pool.scheduler.freeLease("x", "me", pool.now)).toBe(false);
  });

  test("frees no lease at once that was cut off before a restart: another request may have it, and not have heard", () => {
    const pool = new Played();
    for (const id of ["x", "y"]) pool.enter(id);
    pool.pass("x", "y");
    pool.scheduler.changeServer("a", { state: "drain", cut: 0 }, "me", pool.now);
    pool.settle();
    pool.advance(1);
    expect(pool.scheduler.isCutOff("x")).toBe(true);
    pool.crash();
    expect(pool.scheduler.uncertainUntil("x.restarted")).toBeGreaterThan(pool.now);
    pool.scheduler.attach("x", pool.now, 1);
    expect(pool.names).toEqual(["x.1"]);
  });

  test("frees a lease no sooner than it can be told to have been passed on", () => {
    const pool = new Played();
    pool.enter("x");
    const { forMs = 0 } = pool.scheduler.passPermit("x", pool.now) ?? {};
    // Its holder's time began when it heard of the lease, and its message takes a while.
    expect(pool.scheduler.uncertainUntil("x")).toBeGreaterThan(pool.now + forMs + 500);
    expect(pool.scheduler.uncertainUntil("x")).toBeLessThanOrEqual(pool.now + forMs + 1_000);
  });

  test("sees a drained pool only when the lease has ended that was passed on", () => {
    const pool = new Played();
    pool.enter("x");
    pool.enter("y");
    pool.drain();
    pool.pass("x", "y");
    expect(pool.scheduler.isDrained).toBe(false);
    pool.end("x", DONE, 1);
    expect(pool.scheduler.isDrained).toBe(true);
  });
});

test("a lease that is passed on to somebody who dies is found by its time to live, and its slot opens after the quarantine", () => {
  const pool = new Played({ quarantine: { max: "20s" } });
  pool.enter("x");
  pool.enter("y");
  pool.pass("x", "y");
  pool.advance(LEASE_TTL_MS + 20_000 - 1);
  expect(pool.ledger.slots.size).toBe(1);
  pool.advance(1);
  expect(pool.ledger.slots.size).toBe(0);
});

test.each([
  ["cut off", (pool: Played) => pool.scheduler.changeServer("a", { state: "drain", cut: 0 }, "me", pool.now)],
  ["presumed lost", (pool: Played) => pool.advance(LEASE_TTL_MS)],
])(
  "a lease that its request did not need, and that was %s before it was given back, is no request's that was abandoned",
  (_, happens) => {
    const pool = new Played();
    for (const id of ["x", "y"]) pool.enter(id);
    pool.end("x", DONE, 1);
    happens(pool);
    pool.advance(1);
    expect(pool.totals).toMatchObject({ completed: 1, abandoned: 1 });
    pool.pass("x", "y");
    pool.end("y", { how: "unused", served: true });
    expect(pool.totals).toEqual({ accepted: 2, completed: 2, abandoned: 0, passedOn: 1 });
  },
);

test("a request that asks again while its ticket waits is next by its new call", () => {
  const pool = new Played();
  pool.enter("has");
  pool.enter("first");
  const second = pool.enter("second");
  const again = pool.enter("first");
  expect(pool.next()).toEqual([again, second]);
});
