import { beforeEach, describe, expect, test } from "vitest";
import type { Question } from "../../src/scheduler/record/outbox.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { type Snapshot, type SnapshotContent, snapshotOf } from "../../src/scheduler/snapshot.ts";
import { DONE, reported } from "./ends.ts";
import { LedgerModel } from "./ledger-model.ts";
import { settings } from "./settings.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const CLAIM = { owner: "deploy", by: "me" };
const KEYS = {
  servers: [{ name: "a", url: "http://a.example" }],
  queue_timeout: "1h",
  quarantine: { max: "20s", broken: "1s", probe: "/idle" },
};

let scheduler: Scheduler;
let ledger: LedgerModel;
let now: number;
/** All checks and probes. */
let asked: Question[];

function start(keys: Record<string, unknown> = {}): void {
  ledger = new LedgerModel();
  now = 0;
  asked = [];
  scheduler = new Scheduler(settings({ ...KEYS, ...keys }), null, now);
}

/** Writes what has changed, as the pool does, and returns what was decided, and which leases were cut off. */
function settle(): { decided: string[]; cuts: readonly string[]; probes: string[] } {
  const changes = scheduler.takeChanges();
  ledger.write(changes, scheduler, now);
  const decided = changes.decisions.map(
    (decision) => `${decision.ticket} ${decision.kind === "refuse" ? decision.code : decision.kind}`,
  );
  asked.push(...changes.questions);
  const probes = changes.questions.flatMap((question) =>
    question.kind === "probe" ? [question.server] : [],
  );
  return { decided, cuts: changes.cuts, probes };
}

function restart(atMs = now, keys: Record<string, unknown> = {}): void {
  settle();
  now = atMs;
  scheduler = new Scheduler(settings({ ...KEYS, ...keys }), ledger.load(now), now);
}

/** Lets time pass, and returns the ids of the leases that were cut off. */
function until(at: number): string[] {
  const cuts: string[] = [];
  for (let next = scheduler.nextTick(); next <= at; next = scheduler.nextTick()) {
    now = Math.max(now, next);
    scheduler.tick(now);
    cuts.push(...settle().cuts);
  }
  now = at;
  return cuts;
}

const drain = (cutMs?: number, expiresMs = 15 * MINUTE) =>
  scheduler.drain(
    {
      ...{ ...CLAIM, reason: null, expiresAt: now + expiresMs },
      ...(cutMs === undefined ? {} : { cutAt: now + cutMs }),
    },
    now,
  );
const enter = (id: string) => scheduler.enter({ id }, now);
const shown = (): SnapshotContent => snapshotOf("web", scheduler, now);
const state = (): Snapshot["state"] => shown().state;
const kinds = () => scheduler.journal.since(-1).map(({ kind }) => kind);

beforeEach(() => start());

describe("a drain with a cut", () => {
  test("takes the leases that are still held at its time, and counts as drained although their slots are closed", () => {
    enter("t1");
    drain(10 * SECOND);
    expect(until(10 * SECOND - 1)).toEqual([]);
    expect([state(), shown().drain?.cut]).toEqual([
      "draining",
      { at: "1970-01-01T00:00:10.000Z", done: false },
    ]);
    expect(until(10 * SECOND)).toEqual(["t1"]);
    expect(shown()).toMatchObject({ state: "drained", inFlight: 1, quarantined: 1 });
    expect(shown().drain?.cut?.done).toBe(true);
    settle();
    expect(kinds()).toEqual(["drain", "cut", "drained"]);
    expect(scheduler.journal.latest("cut")).toMatchObject({ leases: 1, server: null });
  });

  test("says for as long as it lasts how many it has cut off, whatever becomes of them, and through a restart", () => {
    start({ slots: 3 });
    for (const id of ["t1", "t2", "t3"]) enter(id);
    drain(SECOND);
    expect(shown().drain?.cut?.leases).toBeUndefined();
    scheduler.end("t3", DONE, now);
    until(SECOND);
    scheduler.end("t1", DONE, now);
    drain();
    restart(2 * SECOND);
    expect([shown().inFlight, shown().drain?.cut?.leases]).toEqual([1, 2]);
  });

  test("due at once cuts off at once", () => {
    enter("t1");
    drain(0);
    expect(settle().cuts).toEqual(["t1"]);
    expect(state()).toBe("drained");
  });

  test("waits no longer for a slot that is in quarantine already", () => {
    enter("t1");
    scheduler.end("t1", { how: "timeout" }, now);
    drain(SECOND);
    expect([until(SECOND), state()]).toEqual([[], "drained"]);
    settle();
    expect(kinds()).toEqual(["refusal", "quarantine", "drain", "drained"]);
  });

  test("of which nothing is held any more cuts nothing off", () => {
    enter("t1");
    drain(10 * SECOND);
    scheduler.end("t1", DONE, now);
    expect([until(MINUTE), state()]).toEqual([[], "drained"]);
    expect(kinds()).toEqual(["drain", "drained"]);
  });

  test("resumed before its time cuts nothing off", () => {
    enter("t1");
    drain(10 * SECOND);
    scheduler.resume({ ...CLAIM, force: "no" }, now);
    expect(until(11 * SECOND)).toEqual([]);
    expect(scheduler.isLeased("t1")).toBe(true);
  });

  test("that expires before its time cuts nothing off, even if that is found out later", () => {
    enter("t1");
    drain(12 * SECOND, 10 * SECOND);
    settle();
    scheduler.tick(20 * SECOND);
    expect([settle().cuts, state()]).toEqual([[], "running"]);
  });

  test("repeated without one keeps it, and with another one has that, until it was made", () => {
    enter("t1");
    drain(10 * SECOND);
    drain();
    expect(scheduler.nextCut).toBe(10 * SECOND);
    drain(5 * SECOND);
    expect(until(5 * SECOND)).toEqual(["t1"]);
    drain(MINUTE);
    expect([state(), scheduler.nextCut]).toEqual(["drained", Number.POSITIVE_INFINITY]);
  });
});

describe("a lease that was cut off", () => {
  beforeEach(() => {
    enter("t1");
    drain(10 * SECOND);
    until(10 * SECOND);
  });

  /** When the slot is free, in ms since the cut. */
  function freeAfter(): number {
    scheduler.resume({ ...CLAIM, force: "no" }, now);
    enter("t2");
    for (const from = now; ; until(scheduler.nextTick())) {
      if (scheduler.isLeased("t2")) return now - from;
    }
  }

  test("is not its holder's any more", () => {
    expect([scheduler.renew("t1", now), scheduler.isLeased("t1")]).toEqual([false, false]);
  });

  test("keeps its slot closed through the resume, as long as if its holder were lost and its server busy", () => {
    // What is left of the lease's time to live, in which its holder hears at the latest, and `quarantine.max`.
    expect(freeAfter()).toBe(20 * SECOND + 20 * SECOND);
  });

  test.each([
    ["answered after all, at once", DONE, 0],
    ["cut off, after quarantine.max", { how: "cut" } as const, 20 * SECOND],
    ["broken by the server, after quarantine.broken", { how: "broken" } as const, SECOND],
    ["never sent, at once", { how: "unused" } as const, 0],
  ])("opens its slot when its holder reports it %s", (_, end, ms) => {
    scheduler.end("t1", end, now);
    expect(freeAfter()).toBe(ms);
  });

  test("opens its slot when a probe says that its server is idle, once its holder is presumed lost", () => {
    // Its holder may not have heard yet, and send what it got the slot for.
    for (const [atMs, inFlight] of [
      [11 * SECOND, 1],
      [29 * SECOND, 1],
      [31 * SECOND, 0],
    ] as const) {
      until(atMs);
      scheduler.probed("http://a.example", true, now, now);
      expect([atMs, scheduler.inFlight]).toEqual([atMs, inFlight]);
    }
  });

  test("stays closed as long where the present configuration has a longer quarantine than that of the cut", () => {
    restart(11 * SECOND, { quarantine: { max: "2m", probe: "/idle" } });
    for (const atMs of [12 * SECOND, 29 * SECOND]) {
      until(atMs);
      scheduler.probed("http://a.example", true, now, now);
      expect([atMs, scheduler.inFlight]).toEqual([atMs, 1]);
    }
  });

  test("opens its slot when its holder has told of the end and a probe says that its server is idle", () => {
    scheduler.end("t1", { how: "cut" }, now);
    until(11 * SECOND);
    scheduler.probed("http://a.example", true, now, now);
    expect([scheduler.inFlight, freeAfter()]).toEqual([0, 0]);
  });

  test("opens its slot by hand", () => {
    expect(scheduler.freeLease("t1", "me", now)).toBe(true);
    expect(freeAfter()).toBe(0);
  });

  test("counts as abandoned until its holder says what became of it", () => {
    expect(scheduler.totals).toMatchObject({ accepted: 1, abandoned: 1, refused: {} });
    scheduler.end("t1", { how: "cut" }, now);
    expect(scheduler.totals).toMatchObject({ accepted: 1, abandoned: 0, refused: { "cut-off": 1 } });
    scheduler.end("t1", { how: "cut" }, now);
    expect(scheduler.totals.refused).toEqual({ "cut-off": 1 });
  });

  test("that was answered after all counts as completed", () => {
    scheduler.end("t1", DONE, now);
    expect(scheduler.totals).toMatchObject({ accepted: 1, completed: 1, abandoned: 0 });
  });

  test("says nothing of its server's health", () => {
    scheduler.end("t1", { how: "cut" }, now);
    expect(scheduler.servers[0]?.available).toBe(true);
  });

  test("whose request asks again, as it never heard of its slot, gives that back and waits", () => {
    enter("t1");
    expect(settle().decided).toEqual(["t1 queued"]);
    expect(scheduler.inFlight).toBe(0);
    scheduler.resume({ ...CLAIM, force: "no" }, now);
    expect(settle().decided).toEqual(["t1 grant"]);
  });

  test("stays so through a restart", () => {
    restart(11 * SECOND);
    expect([state(), scheduler.renew("t1", now), settle().cuts]).toEqual(["drained", false, []]);
    expect(freeAfter()).toBe(39 * SECOND);
  });
});

test("a server that seems to have restarted may still be at work for who has not heard of the cut", () => {
  start({ check: { path: "/health", interval: "1s", rise: 1, fall: 1, slot: false } });
  enter("t1");
  drain(SECOND);
  until(SECOND);
  for (const result of ["passed", "refused", "passed"] as const) {
    until(now + SECOND);
    const check = asked.findLast(({ kind }) => kind === "check");
    scheduler.checked(check?.kind === "check" ? check.id : "", reported(result), now);
    settle();
  }
  expect(kinds()).toEqual(expect.arrayContaining(["server-down", "server-up"]));
  expect(scheduler.inFlight).toBe(1);
});

describe("a holder that was presumed lost", () => {
  test("does not get its slot back after the cut", () => {
    enter("t1");
    until(31 * SECOND);
    expect(scheduler.isLeased("t1")).toBe(true);
    drain(0);
    expect(settle().cuts).toEqual(["t1"]);
    expect([scheduler.renew("t1", now), state()]).toEqual([false, "drained"]);
    expect(scheduler.totals.abandoned).toBe(1);
    scheduler.end("t1", DONE, now);
    expect(scheduler.totals).toMatchObject({ completed: 1, abandoned: 0 });
  });
});

describe("after a restart", () => {
  test("a cut that is to come is made at its time, of leases whose holders have not come forward", () => {
    enter("t1");
    drain(MINUTE);
    restart(20 * SECOND);
    expect([state(), scheduler.nextCut]).toEqual(["draining", MINUTE]);
    scheduler.renew("t1", now);
    until(45 * SECOND);
    scheduler.renew("t1", now);
    expect(until(MINUTE)).toEqual(["t1"]);
    expect(state()).toBe("drained");
  });

  test("a cut that was due while the pool slept is made at once", () => {
    enter("t1");
    drain(10 * SECOND);
    restart(12 * SECOND);
    expect(settle().cuts).toEqual(["t1"]);
    expect(state()).toBe("drained");
  });
});

describe("a server that is taken out with a cut", () => {
  beforeEach(() => start({ slots: 2, servers: [...KEYS.servers, { name: "b", url: "http://b.example" }] }));

  const change = (patch: Parameters<Scheduler["changeServer"]>[1]) =>
    scheduler.changeServer("a", patch, "me", now);
  const serverA = () => shown().servers[0];

  test.each(["drain", "maint"] as const)("to %s has only its own leases cut off", (to) => {
    for (const id of ["t1", "t2", "t3", "t4"]) enter(id);
    change({ state: to, cut: 5 * SECOND });
    expect(serverA()?.cut).toEqual({ at: "1970-01-01T00:00:05.000Z", done: false });
    const cuts = until(5 * SECOND);
    expect(cuts).toHaveLength(2);
    expect(cuts.every((id) => scheduler.serverOf(id) === "a")).toBe(true);
    expect(serverA()).toMatchObject({ inFlight: 2, quarantined: 2, cut: { done: true, leases: 2 } });
    expect(shown().servers[1]).toMatchObject({ inFlight: 2, quarantined: 0 });
    settle();
    expect(scheduler.journal.latest("cut")).toMatchObject({ leases: 2, server: "a" });
    expect(state()).toBe("running");
  });

  test("and put back before its time keeps its leases, and has no cut any more", () => {
    enter("t1");
    change({ state: "drain", cut: 5 * SECOND });
    change({ state: "ready" });
    expect([until(6 * SECOND), serverA()?.cut]).toEqual([[], undefined]);
  });

  test("keeps the cut through other changes and restarts", () => {
    enter("t1");
    change({ state: "drain", cut: 5 * SECOND });
    change({ weight: 3 });
    change({ state: "maint" });
    restart(SECOND);
    expect(scheduler.nextCut).toBe(5 * SECOND);
    expect(until(5 * SECOND)).toEqual(["t1"]);
    change({ state: "drain", cut: MINUTE });
    restart(6 * SECOND);
    expect([serverA()?.cut?.done, scheduler.nextCut]).toEqual([true, Number.POSITIVE_INFINITY]);
    change({ state: "ready" });
    expect(serverA()?.cut).toBeUndefined();
  });
});
