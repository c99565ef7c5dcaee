import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Problem } from "../../src/dashboard/page/api.ts";
import { Model } from "../../src/dashboard/page/model.ts";
import { aPool, drainedBy } from "./snapshots.ts";

const GONE = new Problem(0, "", "Sluice cannot be reached", "");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const instant = (ms = 0) => new Date(Date.now() + ms).toISOString();

function following(): Model {
  const model = new Model();
  model.choose("web");
  model.setConnected();
  model.addSnapshot(aPool());
  return model;
}

/** Lets seconds pass, with a tick and a call of `each` in every one. */
function seconds(model: Model, count: number, each: () => void = () => {}): void {
  for (let n = 0; n < count; n++) {
    vi.advanceTimersByTime(1_000);
    each();
    model.tick();
  }
}

describe("what is shown", () => {
  test("of a lost connection's time stands still", () => {
    const model = following();
    const seen = model.asOf;
    model.setDisconnected(GONE);
    vi.advanceTimersByTime(12_000);
    expect(model.asOf).toBe(seen);
    model.setConnected();
    expect(model.asOf).toBe(seen + 12_000);
  });

  test("grows no older in silence, once more than a beat has passed, and does not jump back when that is a loss", () => {
    const model = following();
    const seen = model.asOf;
    seconds(model, 3);
    expect(model.asOf).toBe(seen + 3_000);
    seconds(model, 4);
    expect(model.asOf).toBe(seen + 4_500);
    model.setDisconnected(GONE);
    seconds(model, 9);
    expect(model.asOf).toBe(seen + 4_500);
  });

  test("of a pool that cannot be reached stands still, though the stream goes on", () => {
    const model = following();
    const seen = model.asOf;
    vi.advanceTimersByTime(2_000);
    const at = instant(-1_000);
    seconds(model, 30, () => {
      model.setConnected();
      model.setUnreachable(at);
    });
    expect(model.asOf).toBe(seen + 1_000);
    expect(model.isLive).toBe(false);
    model.addSnapshot(aPool());
    expect(model.asOf).toBe(seen + 32_000);
  });
});

describe("the curves", () => {
  const curve = (model: Model, name = "web") => {
    const { queued = [], oldest = [] } = model.histories.get(name) ?? {};
    return { queued, oldest };
  };

  test("have of those who wait what was told, and nothing between", () => {
    const model = following();
    let oldestWaitMs = 0;
    // The head of the list changes, so that the oldest wait falls every other second.
    seconds(model, 6, () => {
      oldestWaitMs = oldestWaitMs === 0 ? 3_000 : 0;
      model.setConnected();
      if (oldestWaitMs > 0) model.addSnapshot(aPool({ queued: 5, oldestWaitMs }));
    });
    expect(Math.max(...curve(model).oldest.map((value) => value ?? 0))).toBe(3);
    expect(curve(model).queued).toEqual([0, 5, 5, 5]);
  });

  test("go on at nothing while nobody waits and nothing is told, but not in silence", () => {
    const model = following();
    seconds(model, 6, () => model.setConnected());
    expect(curve(model).queued).toHaveLength(7);
    seconds(model, 6);
    expect(curve(model).queued).toHaveLength(7 + 4);
  });

  test("have a gap, once, where the connection was lost, and none where another pool was looked at", () => {
    const model = following();
    model.addAll({ pools: [aPool(), aPool({ name: "reports", queued: 2 })], unreachable: [] });
    model.choose("reports");
    seconds(model, 3);
    expect([curve(model), curve(model, "reports")].flatMap(({ queued }) => queued)).not.toContain(null);
    model.setConnected();
    model.addSnapshot(aPool({ name: "reports", queued: 3 }));
    seconds(model, 3, () => model.setDisconnected(GONE));
    model.addSnapshot(aPool({ name: "reports", queued: 4 }));
    expect(curve(model, "reports").queued).toEqual([2, 3, null, 4]);
  });

  test("have a gap while the pool cannot be reached", () => {
    const model = following();
    seconds(model, 3, () => {
      model.setConnected();
      model.setUnreachable(instant());
    });
    expect(curve(model).queued).toEqual([0, null]);
  });
});

test("nothing can be done without a connection, nor while the pool's object cannot be reached", () => {
  const model = following();
  expect(model.isLive).toBe(true);
  model.setDisconnected(GONE);
  expect(model.isLive).toBe(false);
  model.setConnected();
  model.setUnreachable(instant());
  expect(model.isLive).toBe(false);
  model.addSnapshot(aPool());
  expect(model.isLive).toBe(true);
});

test("the stream of the chosen pool is believed before an answer about all pools", () => {
  const model = following();
  model.addSnapshot(aPool(drainedBy("admin")));
  model.addAll({ pools: [aPool(), aPool({ name: "reports", queued: 3 })], unreachable: [] });
  expect([...model.pools.values()].map(({ name, state }) => [name, state])).toEqual([
    ["web", "drained"],
    ["reports", "running"],
  ]);
  model.addAll({ pools: [aPool({ name: "reports" })], unreachable: ["web"] });
  expect([model.isLive, model.unreachable.size]).toEqual([true, 0]);
});

describe("of two snapshots of a pool", () => {
  const at = (number: number, since = "2026-11-21T08:00:00.000Z") => aPool({ revision: { since, number } });
  const shown = (model: Model) => model.pools.get("web")?.revision;

  test("the later one is shown, whichever way and in whichever order they come", () => {
    const model = following();
    model.addAnswer(at(7));
    model.addSnapshot(at(6));
    model.choose(null);
    model.addAll({ pools: [at(5)], unreachable: [] });
    expect(shown(model)).toEqual(at(7).revision);
    model.addAll({ pools: [at(8)], unreachable: [] });
    expect(shown(model)).toEqual(at(8).revision);
  });

  test("that of an object which has started later is later, whatever its number", () => {
    const model = following();
    const restarted = at(1, "2026-11-21T09:00:00.000Z");
    model.addSnapshot(restarted);
    model.addSnapshot(at(9));
    expect(shown(model)).toEqual(restarted.revision);
  });

  test("the next one is believed after a loss of the connection, as the clock of the machine may have been set back", () => {
    const model = following();
    model.addSnapshot(at(5));
    model.setDisconnected(GONE);
    model.addSnapshot(at(4));
    expect(shown(model)).toEqual(at(5).revision);
    const earlier = at(1, "2026-11-21T07:00:00.000Z");
    model.addSnapshot(earlier);
    expect(shown(model)).toEqual(earlier.revision);
  });
});

describe("a pool that cannot be reached", () => {
  const web = aPool();
  const reports = aPool({ name: "reports" });
  const media = aPool({ name: "media" });

  test("keeps its place and what was seen of it, and says since when", () => {
    const model = new Model();
    model.addAll({ pools: [web, reports, media], unreachable: [] });
    const seen = Date.now();
    vi.advanceTimersByTime(3_000);
    for (let round = 0; round < 2; round++) {
      model.addAll({ pools: [web, media], unreachable: ["reports"] });
    }
    expect(model.names).toEqual(["web", "reports", "media"]);
    expect(model.pools.get("reports")).toEqual(reports);
    expect([...model.unreachable]).toEqual([["reports", seen]]);
    model.addAll({ pools: [web, reports, media], unreachable: [] });
    expect(model.unreachable.size).toBe(0);
  });

  test("and was never seen is known by its name", () => {
    const model = new Model();
    model.addAll({ pools: [aPool()], unreachable: ["reports"] });
    expect([model.names, [...model.unreachable]]).toEqual([["web", "reports"], [["reports", null]]]);
  });
});

test("what is known of a pool is of now only with a connection, and for seconds", () => {
  const model = new Model();
  const fresh = () => ["web", "reports"].map((name) => model.isFresh(name));
  model.addAll({ pools: [aPool()], unreachable: ["reports"] });
  expect(fresh()).toEqual([false, false]);
  model.setConnected();
  expect(fresh()).toEqual([true, false]);
  vi.advanceTimersByTime(11_999);
  expect(fresh()).toEqual([true, false]);
  vi.advanceTimersByTime(1);
  expect(fresh()).toEqual([false, false]);
  model.addAll({ pools: [aPool()], unreachable: ["reports"] });
  model.setDisconnected(GONE);
  expect(fresh()).toEqual([false, false]);
  // Back to the overview: what it shows is from before.
  model.setConnected();
  model.choose(null);
  expect(fresh()).toEqual([false, false]);
});

test("a pool that is no longer configured is forgotten, and the chosen one is then unknown", () => {
  const model = following();
  expect(model.isUnknown).toBe(false);
  model.addAll({ pools: [aPool({ name: "reports" })], unreachable: [] });
  expect([[...model.pools.keys()], model.names, model.isUnknown]).toEqual([["reports"], ["reports"], true]);
});

test("a name that Sluice does not know is no lost connection", () => {
  const model = new Model();
  model.choose("none");
  model.setUnknown();
  expect([model.isUnknown, model.connection.state]).toEqual([true, "live"]);
});

test("another pool begins without the events of the one before", () => {
  const model = following();
  model.events.set(1, { id: 1, at: "2026-11-21T09:00:00.000Z", kind: "drained" });
  model.choose("reports");
  expect([model.events.size, model.connection.state]).toEqual([0, "connecting"]);
});
