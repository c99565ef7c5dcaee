import { expect, test } from "vitest";
import { settingsOf } from "../../src/pool/settings.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { UNCUT } from "../scheduler/ledger-model.ts";

const NOW = 1_000_000;
const SERVERS = [{ name: "a", url: "https://a.example.com" }];

/** What becomes of a request that waited in a drain when the pool's object starts with this configuration. */
function heldUnder(POOLS: unknown, ms: number): string[] {
  const drain = { owner: "deploy", by: "me", reason: null, since: NOW, expiresAt: NOW + 60_000, ...UNCUT };
  const restored = {
    slots: [],
    servers: [],
    registered: [],
    lastWake: null,
    regrouping: false,
    deferred: [],
    counts: {},
    events: [],
  };
  const scheduler = new Scheduler(settingsOf({ POOLS }, "web").settings, { ...restored, drain }, NOW);
  scheduler.enter({ id: "held", token: NOW - 30_000, waitedMs: 30_000 }, NOW);
  scheduler.tick(NOW + ms);
  return scheduler.takeChanges().decisions.map((one) => (one.kind === "refuse" ? one.code : one.kind));
}

test("a configuration that does not parse keeps those who wait for the next one", () => {
  expect(heldUnder({ web: { servers: SERVERS, slots: "many" } }, 3_600_000)).toEqual(["queued"]);
});

test("without the pool in the configuration there is nothing to wait for, and that is what they are told", () => {
  expect(heldUnder({ other: { servers: SERVERS } }, 60_000)).toEqual(["queued", "no-server"]);
});

test("with neither is a server taken to be idle before the longest time that one could have been given", () => {
  for (const POOLS of [{ web: { servers: [] } }, { other: { servers: SERVERS } }]) {
    const { settings, configured } = settingsOf({ POOLS }, "web");
    expect(configured).toBe(false);
    expect([settings.quarantine.maxMs, settings.quarantine.brokenMs]).toEqual([86_400_000, 86_400_000]);
  }
});
