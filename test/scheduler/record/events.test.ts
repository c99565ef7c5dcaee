import { beforeEach, describe, expect, test } from "vitest";
import type { PoolEvent } from "../../../src/scheduler/record/events.ts";
import { type Restored, Scheduler } from "../../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../../src/scheduler/snapshot.ts";
import { DONE, reported } from "../ends.ts";
import { restoredWith, UNCUT } from "../ledger-model.ts";
import { serverAt, settings } from "../settings.ts";

const KEYS = {
  servers: [{ name: "a", url: "http://a.example" }],
  check: { path: "/up", interval: "1s", timeout: "1s", rise: 1, fall: 2 },
};
let scheduler: Scheduler;

function start(keys: Record<string, unknown> = {}, restored: Restored | null = null) {
  scheduler = new Scheduler(settings({ ...KEYS, ...keys }), restored, 0);
}

/** What was noted since the last look, without ids and times. */
function noted(): Record<string, unknown>[] {
  return scheduler.journal
    .take(1_000_000)
    .written.map(({ id: _id, at: _at, until: _until, ...rest }) => rest);
}

const drain = (owner: string, expiresAt = 60_000) =>
  scheduler.drain({ owner, by: "me", reason: "v2", expiresAt }, 0);
const DRAIN = { kind: "drain", owner: "me", by: "me", reason: "v2", expiresAt: "1970-01-01T00:01:00.000Z" };

/** A health check of the one server, and how it goes. */
function check(result: "passed" | "failed" | "timeout", now: number): void {
  scheduler.tick(now);
  const question = scheduler.takeChanges().questions.find(({ kind }) => kind === "check");
  if (question?.kind !== "check") throw new Error("no check is due");
  scheduler.checked(question.id, reported(result), now);
}

beforeEach(() => start());

describe("a drain", () => {
  test("of an idle pool is drained at once", () => {
    drain("me");
    expect(noted()).toEqual([DRAIN, { kind: "drained" }]);
  });

  test("is drained when its last lease ends, and only once", () => {
    scheduler.enter({ id: "t1" }, 0);
    drain("me");
    expect(noted()).toEqual([DRAIN]);
    scheduler.end("t1", DONE, 10);
    expect(noted()).toEqual([{ kind: "drained" }]);
    scheduler.tick(20);
    scheduler.enter({ id: "t2" }, 20);
    expect(noted()).toEqual([]);
  });

  test("that is extended is no new event", () => {
    drain("me");
    noted();
    expect(drain("me", 90_000)).toBe(true);
    expect(noted()).toEqual([]);
  });

  test("that another owner holds, or that is over and to be extended, is none", () => {
    expect(scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 9, extend: true }, 0)).toBe(
      true,
    );
    expect(noted()).toEqual([]);
    drain("me");
    noted();
    expect(drain("you")).toBe(false);
    expect(noted()).toEqual([]);
  });

  test.each([
    ["resumed", "deploy", "me", "no"],
    ["forced", "another", "me", "own"],
    ["forced", "deploy", "you", "any"],
  ] as const)("is %s, and the event says whose it was and who ended it", (cause, owner, by, force) => {
    drain("deploy");
    noted();
    scheduler.resume({ owner, by, force }, 0);
    scheduler.resume({ owner, by, force }, 0);
    expect(noted()).toEqual([{ kind: "resume", owner: "deploy", by, cause }]);
  });

  test("is not resumed by another owner without force", () => {
    drain("me");
    noted();
    scheduler.resume({ owner: "you", by: "me", force: "no" }, 0);
    expect(noted()).toEqual([]);
  });

  test("that nobody resumes expires", () => {
    drain("me");
    noted();
    scheduler.tick(60_000);
    expect(noted()).toEqual([{ kind: "resume", owner: "me", by: null, cause: "expired" }]);
  });

  test("is not drained again by a restart", () => {
    drain("me");
    scheduler.journal.take(0);
    const { currentDrain, journal } = scheduler;
    const events = structuredClone(journal.since(-1)) as PoolEvent[];
    start({}, restoredWith({ drain: currentDrain && { ...currentDrain }, events }));
    expect(noted()).toEqual([]);
  });
});

describe("a server", () => {
  test("goes down by checks, of which the last is told, and up again, but is not up for the first time", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", DONE, 0);
    check("passed", 1_000);
    expect(noted()).toEqual([]);
    check("failed", 2_000);
    check("failed", 3_000);
    expect(noted()).toEqual([{ kind: "server-down", server: "a", cause: "checks", got: "failed" }]);
    check("passed", 4_000);
    expect(noted()).toEqual([{ kind: "server-up", server: "a" }]);
  });

  test("goes down by failed connections of requests", () => {
    start({ slots: 2, quarantine: { broken: "0s" } });
    for (const id of ["t1", "t2"]) {
      scheduler.enter({ id }, 0);
      scheduler.end(id, { how: "broken", retried: true }, 0);
    }
    expect(noted()).toEqual([{ kind: "server-down", server: "a", cause: "connections" }]);
  });

  test("is changed by an operator: only what is new is told, and nothing if nothing is", () => {
    scheduler.changeServer("a", { state: "maint", slots: 1, weight: 7 }, "me", 0);
    scheduler.changeServer("a", { state: "maint", weight: 7 }, "you", 0);
    scheduler.changeServer("b", { state: "maint" }, "me", 0);
    expect(noted()).toEqual([{ kind: "server-changed", server: "a", by: "me", state: "maint", weight: 7 }]);
  });

  test("says since when its state and its health are what they are", () => {
    const [state, health] = ["stateSince", "healthSince"] as const;
    const server = () => snapshotOf("web", scheduler, 0).servers[0];
    expect([server()?.[state], server()?.[health]]).toEqual([null, null]);
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", DONE, 0);
    check("passed", 1_000);
    check("passed", 2_000);
    scheduler.changeServer("a", { state: "drain" }, "me", 3_000);
    scheduler.changeServer("a", { state: "drain", slots: 3 }, "me", 4_000);
    expect([server()?.[state], server()?.[health]]).toEqual([
      "1970-01-01T00:00:03.000Z",
      "1970-01-01T00:00:01.000Z",
    ]);
  });

  test("without a check any more has no health, and no time of one", () => {
    const row = { name: "a", override: {}, health: "down" as const, stateSince: null, healthSince: 5 };
    const { check: _, ...unchecked } = KEYS;
    const restored = restoredWith({ servers: [row] });
    scheduler = new Scheduler(settings(unchecked), restored, 0);
    expect(snapshotOf("web", scheduler, 0).servers[0]).toMatchObject({
      health: "unchecked",
      healthSince: null,
    });
  });
});

describe("a slot", () => {
  test.each(["client", "timeout", "broken", "lost"] as const)("goes to quarantine: %s", (cause) => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", { how: cause, retried: true }, 0);
    expect(noted()).toEqual([{ kind: "quarantine", server: "a", lease: "t1", cause, count: 1 }]);
  });

  test("goes to quarantine once when its client leaves and its server then breaks off: for the server", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", { how: "broken", clientLeft: true }, 0);
    expect(noted()).toEqual([{ kind: "quarantine", server: "a", lease: "t1", cause: "broken", count: 1 }]);
  });

  test("whose holder is not heard of goes to quarantine as lost", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.tick(30_000);
    expect(noted()).toEqual([{ kind: "quarantine", server: "a", lease: "t1", cause: "lost", count: 1 }]);
  });

  test("that is free at once was in no quarantine", () => {
    start({ on_client_abort: "cancel", quarantine: { cancel: "0s" } });
    scheduler.enter({ id: "t1" }, 0);
    scheduler.end("t1", { how: "client" }, 0);
    expect(noted()).toEqual([]);
  });

  test("is freed by hand", () => {
    scheduler.enter({ id: "t1" }, 0);
    scheduler.freeLease("t1", "me", 0);
    scheduler.freeLease("t1", "me", 0);
    expect(noted()).toEqual([{ kind: "slot-freed", server: "a", lease: "t1", by: "me" }]);
  });
});

describe("refusals", () => {
  test("are told with their code and how many there were", () => {
    start({ check: undefined, max_queue: 0, quarantine: { broken: "0s", max: "10s" } });
    scheduler.enter({ id: "t0" }, 0);
    for (const id of ["t1", "t2", "t3"]) scheduler.enter({ id }, 0);
    scheduler.end("t0", { how: "broken" }, 0);
    scheduler.enter({ id: "t4" }, 0);
    scheduler.end("t4", { how: "timeout" }, 0);
    expect(noted().filter(({ kind }) => kind === "refusal")).toEqual([
      { kind: "refusal", code: "queue-full", count: 3 },
      { kind: "refusal", code: "bad-gateway", count: 1 },
      { kind: "refusal", code: "server-timeout", count: 1 },
    ]);
  });

  test("that a retry spares the client are none", () => {
    start({ quarantine: { broken: "0s" } });
    scheduler.enter({ id: "t0" }, 0);
    scheduler.end("t0", { how: "broken", retried: true }, 0);
    expect(noted()).toEqual([]);
  });
});

describe("a restart", () => {
  const slot = (state: "leased" | "orphaned" | "quarantined") =>
    ({
      server: serverAt("a"),
      index: 0,
      state,
      lease: "old",
      flow: null,
      hop: 0,
      since: 0,
      until: 5_000,
      lost: state === "quarantined",
    }) as const;

  test.each(["leased", "orphaned"] as const)("is told when it finds a slot %s", (state) => {
    start({}, restoredWith({ slots: [slot(state)] }));
    scheduler.enter({ id: "t1", token: -30 }, 10);
    expect(noted()).toEqual([{ kind: "restart" }]);
  });

  test("is told when requests that waited come back to it", () => {
    const held = { owner: "me", by: "me", reason: null, since: 0, expiresAt: 60_000, ...UNCUT };
    start({}, restoredWith({ drain: held, events: [{ id: 1, at: "", kind: "drained" }] }));
    expect(noted()).toEqual([]);
    scheduler.enter({ id: "t1", token: -30 }, 10);
    scheduler.enter({ id: "t2", token: -20 }, 10);
    expect(noted()).toEqual([{ kind: "restart" }]);
  });

  test("of a pool that had nothing to do is not worth telling", () => {
    start({}, restoredWith({ slots: [slot("quarantined")] }));
    expect(noted()).toEqual([]);
  });
});
