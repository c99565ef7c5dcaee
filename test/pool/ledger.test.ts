import { beforeEach, describe, expect, test } from "vitest";
import { Ledger } from "../../src/pool/ledger.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { UNCUT } from "../scheduler/ledger-model.ts";
import { serverAt, settings } from "../scheduler/settings.ts";
import { ObjectStorage } from "../support/object-storage.ts";

/** The tables of each version, with what it kept of a pool; those of a released one are never edited. */
const META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
const TOTALS = {
  accepted: 9,
  completed: 7,
  refused: { "queue-full": 2 },
  retried: 1,
  abandoned: 1,
  free: 0,
  passedOn: 0,
};
const DRAIN = { owner: "deploy", reason: "v2", since: 5, expiresAt: 90_000 };
const EVENT = { id: 7, at: "1970-01-01T00:00:00.005Z", kind: "server-down", server: "a", cause: "checks" };
const VERSIONS: [string, string[]][] = [
  [
    "1",
    [
      META,
      "INSERT INTO meta VALUES ('schema', '1')",
      `CREATE TABLE slots (
        url TEXT NOT NULL, slot INTEGER NOT NULL, server TEXT NOT NULL, state TEXT NOT NULL, lease TEXT NOT NULL,
        since INTEGER NOT NULL, until INTEGER NOT NULL, lost INTEGER NOT NULL,
        PRIMARY KEY (url, slot)) WITHOUT ROWID`,
      `CREATE TABLE servers (
        server TEXT PRIMARY KEY, override TEXT NOT NULL, health TEXT NOT NULL,
        state_since INTEGER, health_since INTEGER) WITHOUT ROWID`,
      "CREATE TABLE events (id INTEGER PRIMARY KEY, event TEXT NOT NULL)",
      "INSERT INTO slots VALUES ('http://a.example', 0, 'a', 'leased', 'old', 5, 30005, 0)",
      `INSERT INTO servers VALUES ('a', '{"state":"maint"}', 'down', 3, 5)`,
      `INSERT INTO events VALUES (7, '${JSON.stringify(EVENT)}')`,
      `INSERT INTO meta VALUES ('totals', '${JSON.stringify(TOTALS)}')`,
      `INSERT INTO meta VALUES ('drain', '${JSON.stringify(DRAIN)}')`,
      "INSERT INTO meta VALUES ('regrouping', 'true')",
    ],
  ],
];

let storage: ObjectStorage;
beforeEach(() => {
  storage = new ObjectStorage();
});

const ledger = () => new Ledger(storage.asPlatform);

/** A scheduler's changes, as a pool writes them. */
function write(scheduler: Scheduler, now: number): void {
  const one = ledger();
  one.write(scheduler.takeChanges(), scheduler);
  one.writeEvents(scheduler.journal.take(now));
  one.writeCounts(scheduler.counters.tell());
}

const KEYS = { servers: [{ name: "a", url: "http://a.example" }], check: { path: "/up", fall: 1 } };
const restore = (now: number) =>
  new Scheduler(settings(KEYS), { ...ledger().load(), registered: [], deferred: [] }, now);

describe.each(VERSIONS)("what version %s of the tables kept", (_version, statements) => {
  beforeEach(() => {
    for (const statement of statements) storage.database.exec(statement);
  });

  test("is all there", () => {
    expect(ledger().load()).toEqual({
      slots: [
        {
          server: serverAt("a"),
          index: 0,
          state: "leased",
          lease: "old",
          flow: null,
          hop: 0,
          since: 5,
          until: 30_005,
          lost: false,
        },
      ],
      servers: [{ name: "a", override: { state: "maint" }, health: "down", stateSince: 3, healthSince: 5 }],
      registered: [],
      lastWake: null,
      drain: DRAIN,
      regrouping: true,
      counts: TOTALS,
      events: [EVENT],
    });
    expect(restore(0).totals).toEqual({ ...TOTALS, passedOn: 0 });
    expect(restore(0).currentDrain).toEqual({ ...DRAIN, ...UNCUT });
  });

  test("is upgraded once", () => {
    ledger();
    ledger();
    expect(storage.database.prepare("SELECT value FROM meta WHERE key = 'schema'").get()).toEqual({
      value: "8",
    });
  });
});

test("an object that was never there before knows nothing, and its tables are today's", () => {
  expect(ledger().load()).toEqual({
    slots: [],
    servers: [],
    registered: [],
    lastWake: null,
    drain: null,
    regrouping: false,
    counts: {},
    events: [],
  });
  expect(storage.database.prepare("SELECT value FROM meta WHERE key = 'schema'").get()).toEqual({
    value: "8",
  });
});

describe("what is written comes back", () => {
  test("who has registered, until it is gone, and nothing of its slots after that", () => {
    const open = settings({ servers: [], register: { urls: ["*"] } });
    const scheduler = new Scheduler(open, null, 0);
    const request = { ...serverAt("x"), slots: null, weight: 2, backup: true, by: "me" };
    scheduler.register({ ...request, expiresAt: Number.POSITIVE_INFINITY }, 5);
    scheduler.enter({ id: "t1" }, 6);
    write(scheduler, 6);
    const row = { ...request, since: 5 };
    expect(ledger().load().registered).toEqual([{ ...row, expiresAt: Number.POSITIVE_INFINITY }]);
    scheduler.deregister("x", null, "me", 7);
    write(scheduler, 7);
    expect(ledger().load()).toMatchObject({ registered: [{ ...row, expiresAt: 0 }], servers: [] });
    scheduler.end("t1", { how: "done", status: 200 }, 8);
    write(scheduler, 8);
    expect(ledger().load()).toMatchObject({ registered: [], slots: [] });
    expect(storage.database.prepare("SELECT * FROM slots").all()).toEqual([]);
  });

  test("since when a server is as it is, and what happened to it", () => {
    const scheduler = restore(0);
    scheduler.enter({ id: "t1" }, 1_000);
    scheduler.end("t1", { how: "broken" }, 2_000);
    scheduler.changeServer("a", { state: "maint" }, "me", 3_000);
    write(scheduler, 3_000);
    const after = restore(4_000);
    const [server] = after.servers;
    expect([server?.state, server?.stateSince]).toEqual(["maint", 3_000]);
    expect([server?.health.status, server?.healthSince]).toEqual(["down", 2_000]);
    expect(after.journal.since(-1)).toEqual(scheduler.journal.since(-1));
    expect(after.journal.since(-1).map(({ kind }) => kind)).toContain("server-down");
  });

  test("a lease, whatever its server is called by then, and its end", () => {
    write(restore(0), 0);
    const scheduler = restore(0);
    scheduler.enter({ id: "t1" }, 0);
    write(scheduler, 0);
    const renamed = settings({ ...KEYS, servers: [{ name: "b", url: "http://a.example" }] });
    const after = new Scheduler(renamed, { ...ledger().load(), registered: [], deferred: [] }, 100);
    ledger().forgetServersBut(after.servers);
    expect(after.servers.map(({ name, occupied }) => [name, occupied])).toEqual([["b", 1]]);
    after.end("t1", { how: "done", status: 200 }, 200);
    write(after, 200);
    expect(
      ledger()
        .load()
        .slots.filter(({ lease }) => lease === "t1"),
    ).toEqual([]);
  });

  test("how often a lease was passed on whose end closed its slot", () => {
    const scheduler = restore(0);
    for (const [call, id] of ["t1", "t2"].entries())
      scheduler.enter({ id, caller: { isolate: "one", call } }, 0);
    scheduler.end("t1", { how: "broken" }, 50, 1);
    write(scheduler, 50);
    expect(ledger().load().slots).toMatchObject([{ state: "quarantined", lease: "t1", hop: 1 }]);
  });

  test("the counts, as they were told", () => {
    const scheduler = restore(0);
    for (const id of ["t1", "t2"]) scheduler.enter({ id }, 0);
    scheduler.end("t1", { how: "done", status: 200 }, 50);
    scheduler.end("t2", { how: "client" }, 80);
    write(scheduler, 100);
    expect(restore(100).counters.counts).toEqual(scheduler.counters.counts);
  });

  test("an event as it has grown, and none that was dropped", () => {
    const scheduler = restore(0);
    for (let now = 0; now < 300_000; now += 1_000) {
      scheduler.changeServer("a", { weight: 1 + ((now / 1_000) % 2) }, "me", now);
      scheduler.journal.note({ kind: "refusal", code: "no-server" }, now);
      write(scheduler, now);
    }
    const events = restore(300_000).journal.since(-1);
    expect(events).toHaveLength(200);
    expect(events).toEqual(scheduler.journal.since(-1));
    expect(storage.database.prepare("SELECT count(*) AS rows FROM events").get()).toEqual({ rows: 200 });
  });
});
