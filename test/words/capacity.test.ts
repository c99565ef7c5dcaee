import { describe, expect, test } from "vitest";
import {
  fullWords,
  nextLimit,
  occupancy,
  percentiles,
  rate,
  timeLeftWords,
} from "../../src/words/capacity.ts";
import { poolWith } from "../support/snapshots.ts";

const deferred = { queued: 10, running: 0, answered: 0, failed: 0, oldestMs: 0 };

test("how full a waiting list is, is said of those whom its limit is for", () => {
  expect(occupancy(poolWith({ queued: 12 }))).toBe("12 of 1,000");
  expect(occupancy(poolWith({ queued: 1_212, deferred }))).toBe("1,202 of 1,000");
  expect(occupancy(poolWith({ queued: 12, maxQueue: null }))).toBe("12");
});

test("when it is full is said no more exactly than it is known, and not at all if it is not", () => {
  expect([null, 0, 41_300, 250_000].map(fullWords)).toEqual([
    null,
    "full",
    "full in about 40 s",
    "full in about 4 min 10 s",
  ]);
});

describe("what is left of a drain", () => {
  const inDrain = (timeLeft: { ms: number; until: "queue-full" | "queue-timeout" | "drain-expiry" }) => ({
    state: "drained" as const,
    timeLeft,
  });

  test("is said with what comes then", () => {
    const wordsOf = (changes: Parameters<typeof poolWith>[0]) => timeLeftWords(poolWith(changes));
    const timeout = inDrain({ ms: 250_400, until: "queue-timeout" });
    expect(wordsOf({ ...timeout, firstTimeoutInMs: 250_400 })).toBe(
      "4 min 10 s, then the oldest request is refused (queue_timeout)",
    );
    expect(wordsOf(timeout)).toBe("4 min 10 s, then a request that comes now is refused (queue_timeout)");
    expect(wordsOf(inDrain({ ms: 90_000, until: "drain-expiry" }))).toBe(
      "1 min 30 s, then the drain ends by itself",
    );
    const full = { ms: 38_000, until: "queue-full" } as const;
    expect(wordsOf({ ...inDrain(full), fullInMs: 38_000 })).toBe(
      "about 40 s, then the waiting list is full (max_queue)",
    );
    expect(wordsOf({ ...inDrain({ ...full, ms: 0 }), fullInMs: 0 })).toBe(
      "none, the waiting list is full and new requests are refused (max_queue)",
    );
  });

  test("is not said of a pool that runs, even if its list fills up", () => {
    expect(timeLeftWords(poolWith({ fullInMs: 40_000, firstTimeoutInMs: 9_000 }))).toBeNull();
  });

  test("is not said of a pool at rest, where none is there and nobody waits", () => {
    const timeLeft = { ms: 600_000, until: "queue-timeout" } as const;
    const atRest = poolWith({ servers: [], slots: 0, timeLeft });
    expect([nextLimit(atRest), timeLeftWords(atRest)]).toEqual([null, null]);
    const awaited = { ...atRest, queued: 1, firstTimeoutInMs: 600_000 };
    expect(nextLimit(awaited)).toBe("10 min (timeout)");
    expect(timeLeftWords(awaited)).toMatch(/^10 min, then the oldest/);
    const since = "2026-11-21T09:00:00.000Z";
    const terms = { owner: "ann", by: "ann", reason: null, since, expiresAt: since, cut: null, stop: null };
    expect(nextLimit({ ...atRest, drain: terms })).toBe("10 min (timeout)");
  });

  test("is said in short with what ends it, as is the filling up of a pool that runs", () => {
    const inShort = (changes: Parameters<typeof poolWith>[0]) => nextLimit(poolWith(changes));
    expect(inShort({})).toBeNull();
    expect(inShort({ fullInMs: 41_000 })).toBe("40 s (full)");
    expect(inShort({ fullInMs: 0 })).toBe("none (full)");
    expect(inShort(inDrain({ ms: 61_000, until: "queue-timeout" }))).toBe("1 min 1 s (timeout)");
    expect(inShort({ ...inDrain({ ms: 61_000, until: "drain-expiry" }), fullInMs: 90_000 })).toBe(
      "1 min 1 s (expiry)",
    );
  });
});

test.each([
  [null, "–"],
  [0, "0/s"],
  [0.04, "0.04/s"],
  [0.996, "1/s"],
  [3.44, "3.4/s"],
  [9.96, "10/s"],
  [1_234.5, "1,235/s"],
])("a rate of %s is said as %s", (perSecond, words) => {
  expect(rate(perSecond)).toBe(words);
});

test("percentiles are said with their names, and none with a dash", () => {
  const times = { p50: 12, p95: 812, p99: 65_000 };
  expect(percentiles(times).map(([, time]) => time)).toEqual(["12 ms", "812 ms", "65 s"]);
  expect(percentiles(null)).toEqual([
    ["p50", "–"],
    ["p95", "–"],
    ["p99", "–"],
  ]);
});
