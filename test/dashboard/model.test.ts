import { expect, test, vi } from "vitest";
import { Problem } from "../../src/dashboard/page/api.js";
import { Model } from "../../src/dashboard/page/model.js";
import { aPool, drainedBy } from "./snapshots.ts";

const GONE = new Problem(0, "", "Sluice cannot be reached", "");

function following(): Model {
  const model = new Model();
  model.choose("web");
  model.contact();
  model.saw(aPool());
  return model;
}

test("what is shown of a lost connection's time stands still", () => {
  vi.useFakeTimers();
  const model = following();
  const seen = model.shownAt;
  model.lost(GONE);
  vi.advanceTimersByTime(12_000);
  expect(model.shownAt).toBe(seen);
  model.contact();
  expect(model.shownAt).toBe(seen + 12_000);
  vi.useRealTimers();
});

test("nothing can be done without a connection, nor while the pool's object cannot be reached", () => {
  const model = following();
  expect(model.live).toBe(true);
  model.lost(GONE);
  expect(model.live).toBe(false);
  model.contact();
  model.unreachableSince = "2026-11-21T09:00:00.000Z";
  expect(model.live).toBe(false);
  model.saw(aPool());
  expect(model.live).toBe(true);
});

test("the stream of the chosen pool is believed before an answer about all pools", () => {
  const model = following();
  model.saw(aPool(drainedBy("admin")));
  model.sawAll([aPool(), aPool({ name: "reports", queued: 3 })]);
  expect([...model.pools.values()].map(({ name, state }) => [name, state])).toEqual([
    ["web", "drained"],
    ["reports", "running"],
  ]);
});

test("a pool that is no longer configured is forgotten", () => {
  const model = following();
  model.sawAll([aPool({ name: "reports" })]);
  expect([...model.pools.keys()]).toEqual(["reports"]);
});

test("another pool begins without the events of the one before", () => {
  const model = following();
  model.events.set(1, { id: 1, at: "2026-11-21T09:00:00.000Z", kind: "drained" });
  model.choose("reports");
  expect([model.events.size, model.connection.state]).toEqual([0, "connecting"]);
});
