import { describe, expect, test } from "vitest";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { serverAt, settings } from "../settings.ts";

const NOW = 1_000_000;
const A = serverAt("a").identity;

const shard = (follows: boolean) => {
  const orders = { version: 1, shards: 2, owned: [], leaving: [] };
  const others = { othersAreQuiet: () => true, othersAreAvailable: () => true, isElsewhere: () => false };
  const options = { holding: { orders, isMember: true }, follows, ...others };
  const servers = [{ name: "a", url: "http://a.example" }];
  const keys = settings({ shards: 2, servers, register: { urls: ["*"] } });
  return new Scheduler(keys, null, NOW, () => 0, undefined, options);
};

describe("an object of several", () => {
  test("cuts off what it has of a server that it is letting go", () => {
    const scheduler = shard(true);
    const wanted = { registered: [], overrides: [] };
    scheduler.assign({ owned: new Set([A]), wanted, drain: null }, NOW);
    scheduler.enter({ id: "1" }, NOW);
    const override = { state: "maint" as const, cutAt: NOW + 100 };
    const overrides = [{ name: "a", override, stateSince: NOW }];
    scheduler.assign({ owned: new Set(), wanted: { ...wanted, overrides }, drain: null }, NOW);
    scheduler.tick(NOW + 100);
    expect(scheduler.isCutOff("1")).toBe(true);
  });
});
