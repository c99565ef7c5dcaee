import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Wakeups } from "../../src/pool/wakeups.ts";
import type { SlotRow } from "../../src/scheduler/terms/rows.ts";
import { serverAt } from "../scheduler/settings.ts";

const MINUTES_5 = 300_000;

let woken: number;
/** For when the platform was asked to wake the object. */
let alarms: number[];
let wakeups: Wakeups;

beforeEach(() => {
  vi.useFakeTimers();
  woken = 0;
  alarms = [];
  const storage = { setAlarm: async (at: number) => void alarms.push(at) };
  wakeups = new Wakeups(storage as unknown as DurableObjectStorage, () => woken++);
});
afterEach(() => void vi.useRealTimers());

const IDLE = true;
const BUSY = false;
const NEVER = Number.POSITIVE_INFINITY;
const dueAt = (at: number, nextCut = NEVER, nextAlarm = NEVER) => ({
  nextTick: () => at,
  nextCut,
  nextAlarm,
  drainEndsAt: NEVER,
});
const drainUntil = (expiresAt: number) => ({
  nextTick: () => expiresAt,
  nextCut: NEVER,
  nextAlarm: NEVER,
  drainEndsAt: expiresAt,
});
const slot = (state: SlotRow["state"], until: number): SlotRow => ({
  server: serverAt("a"),
  index: 0,
  state,
  lease: "l",
  flow: null,
  hop: 0,
  lost: false,
  since: 0,
  until,
});

describe("a pool with nobody in it", () => {
  test("is woken by its timer for what is due in 12 s: health checks go on for a minute, at whatever interval", () => {
    wakeups.set(dueAt(Date.now() + 12_000), [], IDLE);
    vi.advanceTimersByTime(11_999);
    expect(woken).toBe(0);
    vi.advanceTimersByTime(1);
    expect(woken).toBe(1);
  });

  test.each(["quarantined", "cut", "orphaned"] as const)(
    "sleeps, and leaves it to the alarm, when its %s slot has 5 min to go",
    (state) => {
      const at = Date.now() + MINUTES_5;
      wakeups.set(dueAt(at), [slot(state, at)], IDLE);
      expect(vi.getTimerCount()).toBe(0);
      vi.advanceTimersByTime(MINUTES_5);
      expect(woken).toBe(0);
      expect(alarms).toEqual([at]);
    },
  );

  test("sleeps, and leaves it to the alarm, when its drain has 5 min to go", () => {
    const at = Date.now() + MINUTES_5;
    wakeups.set(drainUntil(at), [], IDLE);
    expect(vi.getTimerCount()).toBe(0);
    expect(alarms).toEqual([at]);
  });

  test("sleeps, and leaves it to the alarm, when a server that has registered has 5 min to go", () => {
    const at = Date.now() + MINUTES_5;
    wakeups.set(dueAt(at, NEVER, at), [], IDLE);
    expect(vi.getTimerCount()).toBe(0);
    expect(alarms).toEqual([at]);
  });

  test("sleeps, and leaves it to the alarm, when it cuts leases off in 5 min", () => {
    const at = Date.now() + MINUTES_5;
    wakeups.set(dueAt(at, at), [], IDLE);
    expect(vi.getTimerCount()).toBe(0);
    expect(alarms).toEqual([at]);
  });

  test("is kept awake no longer by a timer of when somebody was in it", () => {
    const at = Date.now() + MINUTES_5;
    wakeups.set(dueAt(at), [], BUSY);
    expect(vi.getTimerCount()).toBe(1);
    wakeups.set(dueAt(at), [], IDLE);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a pool with somebody in it is woken by its timer, however long that takes", () => {
  wakeups.set(dueAt(Date.now() + MINUTES_5), [], BUSY);
  vi.advanceTimersByTime(MINUTES_5);
  expect(woken).toBe(1);
});

test("the alarm, a billed write, is set for what comes first only, and not for a lease, a check or a cooldown", () => {
  const now = Date.now();
  wakeups.set(
    dueAt(now + 1_000),
    [slot("leased", now + 30_000), slot("checking", now + 3_000), slot("cooling", now + 1_000)],
    BUSY,
  );
  expect(alarms).toEqual([]);
  wakeups.set(dueAt(now), [slot("quarantined", now + 60_000), slot("quarantined", now + 90_000)], BUSY);
  wakeups.set(drainUntil(now + 70_000), [], BUSY);
  expect(alarms).toEqual([now + 60_000]);
  wakeups.set(dueAt(now), [slot("orphaned", now + 30_000)], BUSY);
  expect(alarms).toEqual([now + 60_000, now + 30_000]);
});

test("once it has rung the alarm is set for what comes next", () => {
  const now = Date.now();
  wakeups.set(dueAt(now), [slot("quarantined", now + 60_000)], IDLE);
  wakeups.rang();
  wakeups.set(drainUntil(now + MINUTES_5), [], IDLE);
  expect(alarms).toEqual([now + 60_000, now + MINUTES_5]);
});
