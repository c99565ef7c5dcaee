import { beforeEach, describe, expect, test } from "vitest";
import { Ledger } from "../../src/pool/ledger.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { settings } from "../scheduler/settings.ts";
import { ObjectStorage } from "../support/object-storage.ts";

/** The tables of each released version, with what it kept of a pool; never edited. */
const META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
const SLOTS = `CREATE TABLE slots (
  server TEXT NOT NULL, slot INTEGER NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL, lease TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (server, slot)) WITHOUT ROWID`;
const SERVERS = "CREATE TABLE servers (server TEXT PRIMARY KEY, override TEXT NOT NULL) WITHOUT ROWID";
const TOTALS = { accepted: 9, completed: 7, refused: { "queue-full": 2 }, retried: 1, abandoned: 1 };
const ROWS = [
  "INSERT INTO slots VALUES ('a', 0, 'http://a.example', 'leased', 'old', 5, 30005)",
  `INSERT INTO servers (server, override) VALUES ('a', '{"state":"maint"}')`,
  `INSERT INTO meta VALUES ('totals', '${JSON.stringify(TOTALS)}')`,
  "INSERT INTO meta VALUES ('seq', '1000000')",
];
const VERSIONS: [string, string[]][] = [
  ["1", [META, "INSERT INTO meta VALUES ('schema', '1')", SLOTS, SERVERS, ...ROWS]],
  [
    "2",
    [
      ...[META, "INSERT INTO meta VALUES ('schema', '2')", SLOTS, SERVERS],
      "ALTER TABLE servers ADD COLUMN health TEXT NOT NULL DEFAULT 'unchecked'",
      ...ROWS,
      "UPDATE servers SET health = 'down'",
    ],
  ],
  [
    "3",
    [
      ...[META, "INSERT INTO meta VALUES ('schema', '3')", SLOTS, SERVERS],
      "ALTER TABLE servers ADD COLUMN health TEXT NOT NULL DEFAULT 'unchecked'",
      "ALTER TABLE servers ADD COLUMN state_since INTEGER",
      "ALTER TABLE servers ADD COLUMN health_since INTEGER",
      "CREATE TABLE events (id INTEGER PRIMARY KEY, event TEXT NOT NULL)",
      ...ROWS,
      // Of a server that has had two names: what is taken counts.
      "INSERT INTO slots VALUES ('b', 0, 'http://a.example', 'free', 'older', 1, 0)",
      "UPDATE servers SET health = 'down'",
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
const restore = (now: number) => new Scheduler(settings(KEYS), ledger().load(), now);

describe.each(VERSIONS)("what version %s of the tables kept", (version, statements) => {
  beforeEach(() => {
    for (const statement of statements) storage.database.exec(statement);
  });

  test("is all there after an upgrade, and what it did not know is not known", () => {
    const restored = ledger().load();
    expect(restored.slots).toMatchObject([
      { server: "a", index: 0, state: "leased", lease: "old", since: 5 },
    ]);
    expect(restored.servers.get("a")).toEqual({
      override: { state: "maint" },
      health: version === "1" ? "unchecked" : "down",
      stateSince: null,
      healthSince: null,
    });
    expect(restored).toMatchObject({ nextSeq: 1_000_000, events: [], counts: TOTALS });
    expect(restore(0).totals).toEqual(TOTALS);
  });

  test("is upgraded once", () => {
    ledger();
    ledger();
    expect(storage.database.prepare("SELECT value FROM meta WHERE key = 'schema'").get()).toEqual({
      value: "4",
    });
  });
});

describe("what is written comes back", () => {
  test("since when a server is as it is, and what happened to it", () => {
    const scheduler = restore(0);
    scheduler.enter({ id: "t1" }, 1_000);
    scheduler.end("t1", { how: "broken" }, 2_000);
    scheduler.changeServer("a", { state: "maint" }, 3_000);
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
    const after = new Scheduler(renamed, ledger().load(), 100);
    ledger().forgetServersBut(after.servers);
    expect(after.servers.map(({ name, taken }) => [name, taken])).toEqual([["b", 1]]);
    after.end("t1", { how: "done", status: 200 }, 200);
    write(after, 200);
    expect(
      ledger()
        .load()
        .slots.filter(({ lease }) => lease === "t1"),
    ).toEqual([]);
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
      scheduler.changeServer("a", { weight: 1 + ((now / 1_000) % 2) }, now);
      scheduler.journal.note({ kind: "refusal", code: "no-server" }, now);
      write(scheduler, now);
    }
    const events = restore(300_000).journal.since(-1);
    expect(events).toHaveLength(200);
    expect(events).toEqual(scheduler.journal.since(-1));
    expect(storage.database.prepare("SELECT count(*) AS rows FROM events").get()).toEqual({ rows: 200 });
  });
});
