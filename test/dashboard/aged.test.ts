import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Problem } from "../../src/dashboard/page/api.ts";
import { aged, capacityWords } from "../../src/dashboard/page/capacity.ts";
import { Model } from "../../src/dashboard/page/model.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { aPool, drainedBy } from "./snapshots.ts";

const SECOND = 1_000;

const drained = (changes: Partial<Snapshot>) => aPool({ ...drainedBy("deploy-42"), ...changes });

describe("between two snapshots the page counts down by itself", () => {
  test("what is left of a drain", () => {
    const pool = drained({
      queued: 3,
      firstTimeoutInMs: 250 * SECOND,
      timeLeft: { ms: 250 * SECOND, until: "queue-timeout" },
    });
    expect(capacityWords(aged(pool, 4 * SECOND))).toBe(
      "Time left: 4 min 6 s, then the oldest request is refused (queue_timeout).",
    );
    expect(aged(pool, 300 * SECOND)).toMatchObject({ firstTimeoutInMs: 0, timeLeft: { ms: 0 } });
  });

  test("but not what whoever comes now may wait, which is always the same", () => {
    const pool = drained({ timeLeft: { ms: 600 * SECOND, until: "queue-timeout" } });
    expect(aged(pool, 4 * SECOND).timeLeft).toEqual(pool.timeLeft);
  });

  test("until the list is full, which only a snapshot can tell", () => {
    const pool = aPool({ fullInMs: 3 * SECOND });
    expect(aged(pool, 1 * SECOND).fullInMs).toBe(2 * SECOND);
    expect(capacityWords(aged(pool, 9 * SECOND))).toContain("full in about 1 s");
    const full = drained({ fullInMs: 3 * SECOND, timeLeft: { ms: 3 * SECOND, until: "queue-full" } });
    expect(capacityWords(aged(full, 9 * SECOND))).toContain("about 1 s, then the waiting list is full");
  });

  test("and nothing else", () => {
    const pool = aPool({ queued: 3, oldestWaitMs: 5, fullInMs: 0 });
    expect(aged(pool, 9 * SECOND)).toEqual(pool);
  });
});

describe("a pool's snapshot", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("grows older until the next one comes, and not while nothing is known", () => {
    const model = new Model();
    model.choose("web");
    model.setConnected();
    model.addSnapshot(aPool());
    vi.advanceTimersByTime(3 * SECOND);
    expect(model.ageOf("web")).toBe(3 * SECOND);
    model.addSnapshot(aPool());
    expect(model.ageOf("web")).toBe(0);
    model.setDisconnected(new Problem(0, "", "Sluice cannot be reached", ""));
    vi.advanceTimersByTime(60 * SECOND);
    expect(model.ageOf("web")).toBe(0);
  });
});

test("a pool that runs says of its waiting list whether it fills up, or that this is not known", () => {
  const words = (changes: Partial<Snapshot>) => capacityWords(aPool(changes));
  expect(words({})).toBe("Nothing says that the waiting list fills up.");
  expect(words({ arrivalsPerSecond: null })).toBe("Whether the waiting list fills up is not known yet.");
  expect(words({ fullInMs: 41 * SECOND })).toBe(
    "The waiting list is full in about 40 s if all goes on as it does (max_queue).",
  );
  expect(words({ fullInMs: 0 })).toBe("The waiting list is full: new requests are refused (max_queue).");
});
