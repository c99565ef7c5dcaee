import { describe, expect, test } from "vitest";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { DONE } from "../ends.ts";
import { settings } from "../settings.ts";

const server = (name: string, keys: Record<string, unknown> = {}) => ({
  name,
  url: `http://${name}.example`,
  ...keys,
});
const TWO = [server("a", { weight: 0 }), server("b")];

function grants(pool: Scheduler): string[] {
  return pool.takeChanges().decisions.flatMap((one) => (one.kind === "grant" ? [one.slot.server.name] : []));
}

describe.each(["roundrobin", "leastconn", "first", "random", "hash:path"])("with balance = %j", (balance) => {
  test("a server of weight 0 gets no request, and while only it is free, requests wait", () => {
    const pool = new Scheduler(settings({ servers: TWO, balance }), null, 0);
    for (const id of ["t1", "t2", "t3"]) pool.enter({ id, hashKey: 5 }, 0);
    expect(grants(pool)).toEqual(["b"]);
    expect(pool.queued).toBe(2);
    expect(pool.hasFreeSlot).toBe(false);
    pool.end("t1", DONE, 1);
    expect(grants(pool)).toEqual(["b"]);
  });

  test("one that is given a weight has the next request at once, and one that loses it finishes its own", () => {
    const pool = new Scheduler(settings({ servers: TWO, balance }), null, 0);
    for (const id of ["t1", "t2"]) pool.enter({ id, hashKey: 5 }, 0);
    expect(grants(pool)).toEqual(["b"]);
    pool.changeServer("a", { weight: 1 }, "me", 1);
    expect(grants(pool)).toEqual(["a"]);
    pool.changeServer("a", { weight: 0 }, "me", 2);
    pool.enter({ id: "t3", hashKey: 5 }, 3);
    pool.end("t2", DONE, 4);
    expect(grants(pool)).toEqual([]);
    pool.end("t1", DONE, 5);
    expect(grants(pool)).toEqual(["b"]);
  });
});

describe("a server of weight 0", () => {
  test("is checked like any other", () => {
    const check = { path: "/up", rise: 1, fall: 1 };
    const pool = new Scheduler(settings({ servers: TWO, check }), null, 0);
    pool.enter({ id: "t1" }, 0);
    pool.tick(0);
    const asked = pool.takeChanges().questions.map((one) => "server" in one && one.server);
    expect(asked).toContain("a");
  });

  test("is not counted among the slots by which a request's turn is estimated", () => {
    const pool = new Scheduler(settings({ servers: TWO }), null, 0);
    pool.enter({ id: "t1" }, 0);
    pool.end("t1", DONE, 1_000);
    for (const id of ["t2", "t3"]) pool.enter({ id }, 2_000);
    expect(pool.admission.startsInMs(1)).toBe(1_000);
  });

  test.each([
    ["weight 0", { weight: 0 }],
    ["drain", { state: "drain" }],
  ] as const)("holds requests as one in drain does, where all others are out: %s", (_, patch) => {
    const pool = new Scheduler(settings({ when_down: "refuse" }), null, 0);
    pool.changeServer("a", patch, "me", 0);
    pool.changeServer("b", { state: "maint" }, "me", 0);
    pool.enter({ id: "t1" }, 0);
    expect(pool.queued).toBe(1);
    expect(pool.willWait(0)).toBe(false);
    expect(pool.admission.startsInMs(1)).toBeNull();
    expect(pool.capacity(0).timeLeft).toEqual({ ms: 600_000, until: "queue-timeout" });
  });

  test("is no reason to keep backups out of work", () => {
    const servers = [server("a", { weight: 0 }), server("spare", { backup: true })];
    const pool = new Scheduler(settings({ servers }), null, 0);
    pool.enter({ id: "t1" }, 0);
    expect(grants(pool)).toEqual(["spare"]);
  });

  test("gets no retry either, though another one is to be avoided", () => {
    const pool = new Scheduler(settings({ servers: TWO, balance: "first" }), null, 0);
    pool.enter({ id: "t1", retry: { server: "b", restMs: 0, avoid: true } }, 0);
    expect(grants(pool)).toEqual(["b"]);
  });
});
