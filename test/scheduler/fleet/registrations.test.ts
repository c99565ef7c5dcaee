import { describe, expect, test } from "vitest";
import type { RegisterRequest } from "../../../src/scheduler/fleet/registrations.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../../src/scheduler/snapshot.ts";
import type { RestoredRegistration, SlotRow } from "../../../src/scheduler/terms/rows.ts";
import { restoredWith } from "../ledger-model.ts";
import { serverAt, settings } from "../settings.ts";

const OPEN = { servers: [], register: { urls: ["*"] } };

const coming = (name: string, expiresAt: number, at = name): RegisterRequest => {
  const { url, binding, identity } = serverAt(at);
  return { name, url, binding, identity, slots: null, weight: 1, backup: false, expiresAt, by: "me" };
};
const row = (name: string, expiresAt: number, allowed = true): RestoredRegistration => ({
  ...coming(name, expiresAt),
  ...{ since: 0, allowed },
});
const leasedOn = (name: string): SlotRow => ({
  ...{ server: serverAt(name), index: 0, state: "leased", lease: "l", flow: null, hop: 0 },
  ...{ since: 0, until: 30_000, lost: false },
});
const shown = ({ servers }: Scheduler) =>
  servers.map(({ name, retired }) => `${name}${retired ? " leaves" : ""}`);
const kinds = (scheduler: Scheduler, now: number) =>
  scheduler.journal.take(now).written.map(({ kind }) => kind);

describe("a server that has registered", () => {
  test("takes its whole share only slow_start after it came, also in a pool without checks", () => {
    const scheduler = new Scheduler(settings({ ...OPEN, slow_start: "10s" }), null, 0);
    scheduler.register(coming("x", 30_000), 5_000);
    scheduler.register(coming("x", 60_000), 9_000);
    const warmUntil = (now: number) => snapshotOf("web", scheduler, now).servers[0]?.warmUntil;
    expect(warmUntil(10_000)).toBe(new Date(15_000).toISOString());
    expect(warmUntil(15_000)).toBeUndefined();
  });

  test("leaves when its time has come, and at no other: the pool is to be awake then", () => {
    const scheduler = new Scheduler(settings(OPEN), null, 0);
    expect([scheduler.nextTick(), scheduler.nextAlarm]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    scheduler.register(coming("x", 30_000), 0);
    expect(scheduler.register(coming("x", 40_000), 10_000)).toBe("renewed");
    expect([scheduler.nextTick(), scheduler.nextAlarm]).toEqual([40_000, 40_000]);
    scheduler.tick(39_999);
    expect(shown(scheduler)).toEqual(["x"]);
    scheduler.tick(40_000);
    expect(shown(scheduler)).toEqual([]);
    expect(kinds(scheduler, 40_000)).toEqual(["server-registered", "server-left"]);
  });

  test("is gone after a restart if its time has passed meanwhile, and leaves if it is at work", () => {
    const registered = [row("x", 5_000), row("y", 5_000), row("z", 5_001)];
    const restored = restoredWith({ registered, slots: [leasedOn("y")] });
    const scheduler = new Scheduler(settings(OPEN), restored, 5_000);
    expect(shown(scheduler).sort()).toEqual(["y leaves", "z"]);
    expect(scheduler.takeChanges().registered.get("http://x.example")).toBeNull();
  });

  test("leaves where the configuration does not let it register any more", () => {
    const restored = restoredWith({ registered: [row("x", 60_000, false)], slots: [leasedOn("x")] });
    const scheduler = new Scheduler(settings(OPEN), restored, 1_000);
    expect(shown(scheduler)).toEqual(["x leaves"]);
    expect(scheduler.takeChanges().registered.get("http://x.example")?.expiresAt).toBe(0);
  });

  test("is not sent away by a configuration that does not parse: it is there again with the next one", () => {
    const restored = restoredWith({ registered: [row("x", 60_000, false)] });
    const broken = new Scheduler({ ...settings(), servers: [] }, restored, 1_000);
    expect(shown(broken)).toEqual([]);
    expect([...broken.takeChanges().registered]).toEqual([]);
  });

  test("gives way to a server of the configuration, which keeps its slots", () => {
    const restored = restoredWith({ registered: [row("x", 60_000)], slots: [leasedOn("x")] });
    const servers = [{ name: "own", url: "http://x.example" }];
    const scheduler = new Scheduler(settings({ ...OPEN, servers }), restored, 1_000);
    expect(shown(scheduler)).toEqual(["own"]);
    expect(scheduler.servers[0]).toMatchObject({ occupied: 1, slots: 1, registration: null });
  });

  test("takes what operators wanted of it along when it goes", () => {
    const scheduler = new Scheduler(settings(OPEN), null, 0);
    scheduler.register(coming("x", 30_000), 0);
    scheduler.changeServer("x", { state: "maint", slots: 4 }, "me", 0);
    scheduler.deregister("x", null, "me", 1);
    expect([...scheduler.takeChanges().left]).toEqual(["x"]);
    scheduler.register(coming("x", 30_000), 2);
    expect(scheduler.servers[0]).toMatchObject({ state: "ready", slots: 1 });
  });
});

test("a probe of a server that has left opens no slot of the one that has its name now", () => {
  const probed = settings({ ...OPEN, quarantine: { max: "20s", probe: "/idle" } });
  const scheduler = new Scheduler(probed, null, 0);
  const cutOffAt = (name: string, at: string, now: number) => {
    scheduler.register(coming(name, 60_000, at), now);
    scheduler.enter({ id: at }, now);
    scheduler.end(at, { how: "timeout" }, now);
  };
  cutOffAt("x", "a", 0);
  scheduler.deregister("x", null, "me", 0);
  cutOffAt("y", "b", 100);
  scheduler.deregister("y", null, "me", 100);
  scheduler.tick(2_000);
  const asked = scheduler
    .takeChanges()
    .questions.find((one) => one.kind === "probe" && one.identity === "http://a.example");
  expect(asked).toMatchObject({ kind: "probe", server: "x" });
  scheduler.register(coming("x", 60_000, "b"), 2_100);
  scheduler.probed("http://a.example", true, 2_000, 2_200);
  expect(scheduler.servers.map(({ url, occupied }) => [url, occupied])).toEqual([["http://b.example", 1]]);
});
