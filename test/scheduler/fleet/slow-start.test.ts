import { describe, expect, test } from "vitest";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { type ServerSnapshot, snapshotOf } from "../../../src/scheduler/snapshot.ts";
import { hashOf } from "../../../src/scheduler/terms/hash.ts";
import { DONE, reported } from "../ends.ts";
import { LedgerModel } from "../ledger-model.ts";
import { settings } from "../settings.ts";

const SERVERS = ["a", "b", "c", "d"].map((name) => ({ name, url: `http://${name}.example`, slots: 4 }));
const START = 1_000_000;
const keysOf = (balance: string) => ({ servers: SERVERS, balance, slow_start: "10s" });

let nth = 0;

/** How many of so many requests, each over at once, go to server d. */
function sharesOfD(pool: Scheduler, now: number, requests = 3_100): number {
  let count = 0;
  for (let n = 0; n < requests; n++) {
    const id = `t${nth++}`;
    pool.enter({ id, hashKey: hashOf(id) }, now);
    const granted = pool.takeChanges().decisions.find((one) => one.kind === "grant");
    if (granted?.kind === "grant" && granted.slot.server.name === "d") count++;
    pool.end(id, DONE, now);
  }
  return count / requests;
}

function backFromDrain(pool: Scheduler, name: string, now: number): void {
  pool.changeServer(name, { state: "drain" }, "me", now - 5_000);
  pool.changeServer(name, { state: "ready" }, "me", now);
}

function serverOf(pool: Scheduler, name: string, now: number): ServerSnapshot | undefined {
  return snapshotOf("web", pool, now).servers.find((server) => server.name === name);
}

const iso = (ms: number) => new Date(ms).toISOString();

describe.each(["roundrobin", "leastconn", "random", "hash:cookie:sid"])("with balance = %j", (balance) => {
  test("a server that is back grows from a tenth of its share to all of it", () => {
    const pool = new Scheduler(settings(keysOf(balance)), null, START);
    expect(sharesOfD(pool, START)).toBeCloseTo(1 / 4, 1);
    backFromDrain(pool, "d", START);
    const shareAt = (ms: number, of: number) => {
      const expected = of / (3 + of);
      expect(Math.abs(sharesOfD(pool, START + ms) - expected)).toBeLessThan(0.03);
    };
    shareAt(0, 0.1);
    shareAt(500, 0.1);
    shareAt(3_000, 0.3);
    shareAt(7_000, 0.7);
    shareAt(10_000, 1);
    shareAt(60_000, 1);
  });

  test("one that is busy little by little leaves no slot idle", () => {
    const pool = new Scheduler(settings(keysOf(balance)), null, START);
    backFromDrain(pool, "d", START);
    for (let n = 0; n < 16; n++) pool.enter({ id: `all-${n}`, hashKey: hashOf(`all-${n}`) }, START);
    expect(pool.inFlight).toBe(16);
    expect(pool.queued).toBe(0);
  });
});

test('with balance = "first" a server has all of its requests at once: it takes no weights', () => {
  const pool = new Scheduler(settings(keysOf("first")), null, START);
  for (const name of ["a", "b", "c"]) pool.changeServer(name, { state: "drain" }, "me", START);
  backFromDrain(pool, "d", START);
  expect(sharesOfD(pool, START, 10)).toBe(1);
});

describe("a server comes up", () => {
  const check = { path: "/up", interval: "1s", rise: 2, fall: 1 };
  /** Answers the checks that are due; those of `failing` are refused. */
  function checkAll(pool: Scheduler, now: number, failing = ""): void {
    pool.tick(now);
    for (const one of pool.takeChanges().questions)
      if (one.kind === "check")
        pool.checked(one.id, reported(one.server === failing ? "refused" : "passed"), now);
  }

  test("when its checks pass again", () => {
    const quarantine = { broken: "0s" };
    const pool = new Scheduler(settings({ ...keysOf("roundrobin"), check, quarantine }), null, START);
    pool.enter({ id: "work" }, START);
    checkAll(pool, START);
    const [fallen, up] = [START + 20_000, START + 24_000];
    checkAll(pool, fallen, "d");
    expect(serverOf(pool, "d", fallen)?.health).toBe("down");
    checkAll(pool, up - 2_000);
    expect(serverOf(pool, "d", up)?.warmUntil).toBeUndefined();
    checkAll(pool, up);
    expect(serverOf(pool, "d", up)).toMatchObject({ health: "up", warmUntil: iso(up + 10_000) });
    expect(serverOf(pool, "a", up)?.warmUntil).toBeUndefined();
    expect(sharesOfD(pool, up)).toBeLessThan(0.06);
  });

  test.each(["drain", "maint"] as const)("when an operator sets it from %s to ready", (state) => {
    const pool = new Scheduler(settings(keysOf("roundrobin")), null, START);
    pool.changeServer("d", { state }, "me", START);
    expect(serverOf(pool, "d", START)?.warmUntil).toBeUndefined();
    pool.changeServer("d", { state: "ready" }, "me", START + 1_000);
    expect(serverOf(pool, "d", START + 2_000)?.warmUntil).toBe(iso(START + 11_000));
    expect(serverOf(pool, "d", START + 11_000)?.warmUntil).toBeUndefined();
  });

  test("not when its slots or its weight are changed, though that weight counts at once", () => {
    const pool = new Scheduler(settings(keysOf("roundrobin")), null, START);
    pool.changeServer("d", { slots: 9, weight: 3 }, "me", START);
    expect(serverOf(pool, "d", START)?.warmUntil).toBeUndefined();
    expect(sharesOfD(pool, START)).toBeCloseTo(1 / 2, 1);
  });

  test("and a change of its weight meanwhile is a part of the new one", () => {
    const pool = new Scheduler(settings(keysOf("roundrobin")), null, START);
    backFromDrain(pool, "d", START);
    pool.changeServer("d", { weight: 6 }, "me", START + 1_000);
    expect(sharesOfD(pool, START + 5_000)).toBeCloseTo(1 / 2, 1);
  });
});

test("a restart of the pool's object changes nothing of it", () => {
  const ledger = new LedgerModel();
  const pool = new Scheduler(settings(keysOf("roundrobin")), null, START);
  backFromDrain(pool, "d", START);
  ledger.write(pool.takeChanges(), pool, START);
  const restarted = new Scheduler(settings(keysOf("roundrobin")), ledger.load(), START + 4_000);
  expect(serverOf(restarted, "d", START + 4_000)?.warmUntil).toBe(iso(START + 10_000));
  expect(Math.abs(sharesOfD(restarted, START + 5_000) - 0.5 / 3.5)).toBeLessThan(0.02);
});

test("without slow_start nothing of it is shown, and all shares are there at once", () => {
  const pool = new Scheduler(settings({ ...keysOf("roundrobin"), slow_start: "0s" }), null, START);
  backFromDrain(pool, "d", START);
  expect(serverOf(pool, "d", START)).not.toHaveProperty("warmUntil");
  expect(sharesOfD(pool, START)).toBeCloseTo(1 / 4, 1);
});

test("where all servers come up at the same time, their shares are as ever", () => {
  const pool = new Scheduler(settings(keysOf("roundrobin")), null, START);
  for (const { name } of SERVERS) backFromDrain(pool, name, START);
  expect(sharesOfD(pool, START + 100)).toBeCloseTo(1 / 4, 1);
});
