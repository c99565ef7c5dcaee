import { beforeEach, describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { Retry } from "../../src/scheduler/waiting/failed-server.ts";
import { DONE } from "./ends.ts";
import { settings } from "./settings.ts";

let scheduler: Scheduler;
/** What each ticket was told. */
let tokens: Map<string, number>;
/** Grants that no test has looked at yet. */
let unseen: string[];

const KEYS = { balance: "first", quarantine: { broken: "0s" } };
const server = (name: string, keys: Record<string, unknown> = {}) => ({
  name,
  url: `http://${name}.example`,
  ...keys,
});

function start(servers: unknown[], keys: Record<string, unknown> = {}) {
  scheduler = new Scheduler(settings({ ...KEYS, servers, ...keys }), null, 0);
  [tokens, unseen] = [new Map(), []];
}

function look(): void {
  for (const decision of scheduler.takeChanges().decisions) {
    if (!("token" in decision)) continue;
    tokens.set(decision.ticket, decision.token);
    if (decision.kind === "grant") unseen.push(`${decision.ticket} ${decision.slot.server.name}`);
  }
}

/** Who was given which server since the last look: `t0 a`. */
function granted(): string[] {
  look();
  return unseen.splice(0);
}

/** On the list again, by the token that came with the lease. */
function enterAgain(id: string, retry: Retry, waitedMs: number, now: number): void {
  look();
  const token = tokens.get(id);
  if (token === undefined) throw new Error(`${id} was told no token`);
  scheduler.enter({ id: `${id}-again`, token, waitedMs, retry }, now);
}

/** As a Worker does it: on the list again first, and only then the failed lease ends. */
function retry(
  id: string,
  failed: string,
  rest: { ms: number; elsewhere?: boolean; waitedMs?: number },
  now: number,
) {
  const { ms, elsewhere = true, waitedMs = 0 } = rest;
  enterAgain(id, { server: failed, restMs: ms, avoid: elsewhere }, waitedMs, now);
  scheduler.end(id, { how: "broken", retried: true }, now);
}

const acquire = (...ids: string[]) => {
  for (const id of ids) scheduler.enter({ id }, 0);
};

beforeEach(() => start([server("a")]));

describe("while its only server rests, a retry is overtaken by nobody", () => {
  test.each([[true], [false]])("with redispatch = %j", (elsewhere) => {
    acquire("t0", "t1");
    expect(granted()).toEqual(["t0 a"]);
    retry("t0", "a", { ms: 40, elsewhere }, 10);
    scheduler.enter({ id: "t2" }, 20);
    expect(granted()).toEqual([]);
    expect(scheduler.nextTick()).toBe(50);
    scheduler.tick(49);
    expect(granted()).toEqual([]);
    scheduler.tick(50);
    expect(granted()).toEqual(["t0-again a"]);
    scheduler.end("t0-again", DONE, 60);
    expect(granted()).toEqual(["t1 a"]);
  });

  test("and a drain meanwhile holds it as it holds the others", () => {
    acquire("t0", "t1");
    granted();
    retry("t0", "a", { ms: 40 }, 10);
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: 1_000 }, 20);
    scheduler.tick(50);
    expect(scheduler.nextTick()).toBe(1_000);
    scheduler.resume({ owner: "x", by: "me", force: "no" }, 60);
    expect(granted()).toEqual(["t0-again a"]);
  });
});

describe("another server with a free slot takes a retry at once", () => {
  test.each([[true], [false]])("with redispatch = %j", (elsewhere) => {
    start([server("a"), server("b")]);
    acquire("t0", "t1", "t2");
    granted();
    scheduler.end("t1", DONE, 5);
    expect(granted()).toEqual(["t2 b"]);
    acquire("t3");
    retry("t0", "a", { ms: 40, elsewhere }, 10);
    scheduler.end("t2", DONE, 20);
    expect(granted()).toEqual(["t0-again b", "t3 a"]);
  });
});

test("a retry that waits for another server, and whose client leaves, keeps those behind it no longer from the free one", () => {
  start([server("a"), server("b")]);
  acquire("t0", "t1");
  granted();
  retry("t0", "a", { ms: 40 }, 10);
  acquire("t2");
  expect(granted()).toEqual([]);
  scheduler.leave("t0-again", 20);
  expect(granted()).toEqual(["t2 a"]);
});

test("with redispatch the failed server is passed by for a second, without it only while it rests", () => {
  for (const elsewhere of [true, false]) {
    start([server("a"), server("b")]);
    acquire("t0", "t1");
    granted();
    retry("t0", "a", { ms: 40, elsewhere }, 0);
    scheduler.tick(40);
    expect(granted()).toEqual(elsewhere ? [] : ["t0-again a"]);
    scheduler.tick(1_000);
    expect(granted()).toEqual(elsewhere ? ["t0-again a"] : []);
  }
});

describe("a backup server", () => {
  const servers = [server("a"), server("spare", { backup: true })];

  test("takes a retry whose server was the only other one", () => {
    start(servers);
    acquire("t0", "t1");
    granted();
    retry("t0", "a", { ms: 40 }, 10);
    expect(granted()).toEqual(["t0-again spare", "t1 a"]);
  });

  test("takes none while another server that is up is merely busy", () => {
    start([server("a"), server("b"), server("spare", { backup: true })]);
    acquire("t0", "t1");
    granted();
    retry("t0", "a", { ms: 40 }, 10);
    expect(granted()).toEqual([]);
    scheduler.end("t1", DONE, 20);
    expect(granted()).toEqual(["t0-again b"]);
  });

  test("takes none where redispatch is off: its server is up", () => {
    start(servers);
    acquire("t0");
    granted();
    retry("t0", "a", { ms: 40, elsewhere: false }, 10);
    expect(granted()).toEqual([]);
    scheduler.tick(50);
    expect(granted()).toEqual(["t0-again a"]);
  });
});

test("queue_timeout counts what a request waited over all of its attempts, and not what a server worked on it", () => {
  start([server("a")], { queue_timeout: "10s" });
  acquire("t0");
  granted();
  retry("t0", "a", { ms: 1_000, waitedMs: 4_000 }, 60_000);
  scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: 600_000 }, 60_000);
  scheduler.tick(65_999);
  expect(scheduler.queued).toBe(1);
  scheduler.tick(66_000);
  expect(scheduler.totals.refused).toEqual({ "queue-timeout": 1 });
});

test("the oldest wait is that of who has waited longest, though a retry goes before it", () => {
  acquire("t0", "t1");
  retry("t0", "a", { ms: 1_000 }, 60_000);
  expect(scheduler.oldestSince).toBe(0);
  scheduler.leave("t1", 60_000);
  expect(scheduler.oldestSince).toBe(60_000);
});

test("a retry waits for another server, before all who came later, and takes the failed one after a second", () => {
  start([server("a"), server("b")]);
  acquire("t0", "t1", "t2");
  expect(granted()).toEqual(["t0 a", "t1 b"]);
  scheduler.end("t0", { how: "broken", retried: true }, 10);
  expect(granted()).toEqual(["t2 a"]);
  enterAgain("t0", { server: "a", restMs: 0, avoid: true }, 0, 20);
  scheduler.enter({ id: "t3" }, 20);
  scheduler.end("t2", DONE, 30);
  expect(granted()).toEqual([]);
  scheduler.tick(1_020);
  expect(granted()).toEqual(["t0-again a"]);
  scheduler.end("t1", DONE, 1_030);
  expect(granted()).toEqual(["t3 b"]);
});

test("a retry whose server need not rest takes it again at once where there is no other", () => {
  acquire("t0");
  scheduler.end("t0", { how: "broken", retried: true }, 10);
  enterAgain("t0", { server: "a", restMs: 0, avoid: true }, 0, 20);
  expect(granted()).toEqual(["t0 a", "t0-again a"]);
});

describe("a request whose server is busy for somebody else", () => {
  /** As a Worker does it: on the list again first. */
  function busy(id: string, name: string, restMs: number, now: number): void {
    enterAgain(id, { server: name, restMs, avoid: true }, 0, now);
    scheduler.end(id, { how: "busy", restMs }, now);
  }

  test("goes to another server before all who came later, and its slot rests", () => {
    start([server("a"), server("b")]);
    acquire("t0", "t1", "t2");
    granted();
    busy("t0", "a", 2_000, 10);
    expect(granted()).toEqual([]);
    scheduler.end("t1", DONE, 20);
    expect(granted()).toEqual(["t0-again b"]);
    scheduler.tick(2_009);
    expect(granted()).toEqual([]);
    scheduler.tick(2_010);
    expect(granted()).toEqual(["t2 a"]);
  });

  test("waits for its server's rest where there is no other, and longer rests than ten seconds are none", () => {
    acquire("t0");
    granted();
    scheduler.end("t0", { how: "busy", restMs: 3_600_000 }, 0);
    scheduler.enter({ id: "t1" }, 0);
    expect(scheduler.nextTick()).toBe(10_000);
    scheduler.tick(10_000);
    expect(granted()).toEqual(["t1 a"]);
  });

  test("holds up those behind it for a second at most: then another slot of the same server will do", () => {
    start([server("a", { slots: 2 })]);
    acquire("t0");
    granted();
    busy("t0", "a", 10_000, 0);
    scheduler.enter({ id: "t1" }, 0);
    scheduler.tick(999);
    expect(granted()).toEqual([]);
    scheduler.tick(1_000);
    expect(granted()).toEqual(["t0-again a"]);
    scheduler.end("t0-again", DONE, 1_010);
    expect(granted()).toEqual(["t1 a"]);
  });

  test("keeps its slot closed for the cooldown at least", () => {
    start([server("a")], { cooldown: "50ms" });
    acquire("t0", "t1");
    granted();
    scheduler.end("t0", { how: "busy", restMs: 1 }, 0);
    scheduler.tick(49);
    expect(granted()).toEqual([]);
    scheduler.tick(50);
    expect(granted()).toEqual(["t1 a"]);
  });

  test("is at no server: a drain does not wait for the rest, and nobody frees what is not taken", () => {
    acquire("t0");
    scheduler.drain({ owner: "x", by: "me", reason: null, expiresAt: 60_000 }, 0);
    scheduler.end("t0", { how: "busy", restMs: 5_000 }, 10);
    expect(scheduler.inFlight).toBe(0);
    expect(scheduler.journal.since(-1)).toEqual([]);
    expect(scheduler.journal.take(10).written.map(({ kind }) => kind)).toEqual(["drain", "drained"]);
    expect(scheduler.freeLease("t0", "me", 20)).toBe(false);
  });

  test("counts as retried, once however often it is said, and says nothing of its server's health", () => {
    start([server("a")], { check: { path: "/up", fall: 1 } });
    acquire("t0");
    for (let n = 0; n < 3; n++) scheduler.end("t0", { how: "busy", restMs: 5_000 }, 10);
    scheduler.end("t0", { how: "done", status: 503 }, 20);
    scheduler.end("t0", { how: "broken" }, 20);
    expect(scheduler.totals).toMatchObject({
      accepted: 1,
      completed: 0,
      retried: 1,
      abandoned: 0,
      free: 0,
      refused: {},
    });
    expect(scheduler.servers[0]?.health.status).toBe("unchecked");
    expect(scheduler.nextTick()).toBe(5_010);
  });

  test("and whose Worker was taken for lost was neither abandoned nor is its server at work", () => {
    acquire("t0");
    scheduler.tick(30_000);
    expect(scheduler.totals.abandoned).toBe(1);
    scheduler.end("t0", { how: "busy", restMs: 1_000 }, 40_000);
    expect(scheduler.totals).toMatchObject({ retried: 1, abandoned: 0 });
    expect(scheduler.nextTick()).toBe(41_000);
  });
});
