import { expect, test } from "vitest";
import type { Drain } from "../../../src/scheduler/drain.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { Holding } from "../../../src/scheduler/shards/holding.ts";
import { restoredWith } from "../ledger-model.ts";
import { serverAt, settings } from "../settings.ts";

const NOW = Date.UTC(2026, 0, 1);

const coming = { ...serverAt("a"), slots: 2, weight: 1, backup: false, expiresAt: NOW + 60_000, by: "a" };

const KEYS = {
  shards: 2,
  servers: [],
  register: { urls: ["http://*.example"] },
  check: { path: "/", rise: 1 },
};

/** The first object of a pool of two, which has heard that it owns these servers. */
function coordinator(owned: string[], held = new Set<string>()): Scheduler {
  const holding = new Holding(0, 0);
  const others = {
    othersAreQuiet: () => true,
    othersAreAvailable: () => true,
    isElsewhere: (identity: string) => held.has(identity),
  };
  const shard = { holding, follows: false, ...others };
  const scheduler = new Scheduler(settings(KEYS), null, NOW, undefined, undefined, shard);
  holding.hear({ version: 1, shards: 2, owned, leaving: [] });
  scheduler.assign({ owned: new Set(owned), wanted: null, drain: null }, NOW);
  return scheduler;
}

test("a server that registers gets neither a check nor a request before it is known whose it is", () => {
  const scheduler = coordinator([]);
  scheduler.enter({ id: "one" }, NOW);
  expect(scheduler.register(coming, NOW)).toBe("new");
  scheduler.tick(NOW);
  expect(scheduler.takeChanges().questions).toEqual([]);
  expect(scheduler.servers.map(({ occupied }) => occupied)).toEqual([0]);
  scheduler.assign({ owned: new Set([coming.identity]), wanted: null, drain: null }, NOW);
  scheduler.tick(NOW);
  expect(scheduler.takeChanges().questions.map(({ kind }) => kind)).toEqual(["check"]);
});

test("a server that leaves is not gone as long as another object has not let go of it", () => {
  const held = new Set([coming.identity]);
  const scheduler = coordinator([], held);
  scheduler.register(coming, NOW);
  expect(scheduler.deregister("a", null, "a", NOW)?.identity).toBe(coming.identity);
  expect(scheduler.servers.map(({ retired }) => retired)).toEqual([true]);
  held.clear();
  scheduler.assign({ owned: new Set(), wanted: null, drain: null }, NOW);
  expect(scheduler.servers).toEqual([]);
});

test("a server that was down when another object let it go gets nothing until it has passed its check", () => {
  const scheduler = coordinator([]);
  scheduler.enter({ id: "one" }, NOW);
  scheduler.register(coming, NOW);
  const owned = new Set([coming.identity]);
  const assign = (mine: ReadonlySet<string>, down: ReadonlySet<string>) =>
    scheduler.assign({ owned: mine, down, wanted: null, drain: null }, NOW);
  const passCheck = () => {
    for (const question of scheduler.takeChanges().questions)
      if (question.kind === "check")
        scheduler.checked(question.id, { result: "passed", got: "status 200", cutOff: false }, NOW);
  };
  assign(owned, new Set());
  passCheck();
  expect(scheduler.servers[0]?.available).toBe(true);
  assign(new Set(), new Set());
  assign(owned, owned);
  expect(scheduler.servers[0]?.available).toBe(false);
  passCheck();
  expect(scheduler.servers[0]?.available).toBe(true);
});

const STOP: Drain = {
  ...{ owner: "o", by: "me", reason: null, since: NOW - 5_000, expiresAt: NOW - 1_000 },
  ...{ cutAt: null, isCut: false, stop: { message: null } },
};

/** Another object than the first, which has a server, and has restarted: a stop was on when it ended. */
function stopped(): { scheduler: Scheduler; hear: (drain: Drain | null) => void } {
  const holding = new Holding(1, 0);
  const others = { othersAreQuiet: () => true, othersAreAvailable: () => true, isElsewhere: () => false };
  const shard = { holding, follows: true, ...others };
  const restored = restoredWith({ drain: STOP });
  const scheduler = new Scheduler(settings({ shards: 2 }), restored, NOW, undefined, undefined, shard);
  const owned = [serverAt("a").identity];
  const hear = (drain: Drain | null) => {
    holding.hear({ version: 1, shards: 2, owned, leaving: [] });
    const wanted = { registered: [], overrides: [] };
    scheduler.assign({ owned: new Set(owned), wanted, drain }, NOW);
    scheduler.tick(NOW + 5_000);
  };
  return { scheduler, hear };
}

test.for([
  { what: "is over", drain: null, told: "grant" },
  { what: "is on", drain: STOP, told: "refuse" },
])(
  "whoever comes after a restart is told that the pool is stopped only if it is known that it $what",
  ({ drain, told }) => {
    const { scheduler, hear } = stopped();
    scheduler.enter({ id: "one" }, NOW);
    expect(scheduler.takeChanges().decisions.map(({ kind }) => kind)).toEqual(["queued"]);
    hear(drain);
    expect(scheduler.takeChanges().decisions.map(({ kind }) => kind)).toEqual([told]);
  },
);

/** The second of two objects, which count the requests of each flow, and which has these servers. */
function counting(owned: string[]): Scheduler {
  const holding = new Holding(1, 0);
  const others = { othersAreQuiet: () => true, othersAreAvailable: () => true, isElsewhere: () => false };
  const shard = { holding, follows: true, ...others };
  const keys = { shards: 2, flow: "header:x", max_in_flight_per_flow: 1, max_queue: 2, when_down: "refuse" };
  const scheduler = new Scheduler(settings(keys), null, NOW, undefined, undefined, shard);
  holding.hear({ version: 1, shards: 2, owned, leaving: [] });
  scheduler.assign({ owned: new Set(owned), wanted: { registered: [], overrides: [] }, drain: null }, NOW);
  return scheduler;
}

test("a request whose flow is counted asks another shard only if its own has no servers", () => {
  const [bare, busy] = [counting([]), counting([serverAt("a").identity])];
  const asks = (id: string) => ({ id, flow: "f", mayAskAnother: true });
  bare.enter(asks("one"), NOW);
  expect(bare.takeChanges().decisions).toMatchObject([{ kind: "elsewhere", to: null }]);
  for (const id of ["one", "two", "three", "four"]) busy.enter(asks(id), NOW);
  const decisions = busy.takeChanges().decisions.map(({ kind }) => kind);
  expect(decisions).toEqual(["grant", "queued", "queued", "refuse"]);
});
