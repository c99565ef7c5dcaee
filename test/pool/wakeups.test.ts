import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Wakeups } from "../../src/pool/wakeups.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  // Health checks go on for a minute after the last request, at whatever interval.
  ["is woken by its timer", "12 s", 12_000, 1],
  ["sleeps, and leaves it to the alarm", "5 min", 300_000, 0],
])("a pool with nobody in it %s for what is due in %s", (_, _words, ms, wakes) => {
  let woken = 0;
  const storage = { setAlarm: () => Promise.resolve() } as unknown as DurableObjectStorage;
  const wakeups = new Wakeups(storage, () => woken++);
  const nextTick = () => Date.now() + ms;
  wakeups.set({ nextTick, currentDrain: null }, [], true);
  vi.advanceTimersByTime(ms);
  expect(woken).toBe(wakes);
});
