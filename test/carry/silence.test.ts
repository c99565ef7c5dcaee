import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Silence } from "../../src/carry/silence.ts";
import { Clock } from "../../src/link/clock.ts";

let started: number;
beforeEach(() => {
  vi.useFakeTimers();
  started = Date.now();
});
afterEach(() => vi.useRealTimers());

function listen() {
  const onSilence = vi.fn();
  return { silence: new Silence(new Clock(), 1_000, onSilence), onSilence };
}

test("a server that says nothing is given up after the limit and a last chance, once", () => {
  const { onSilence } = listen();
  vi.advanceTimersByTime(1_049);
  expect(onSilence).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onSilence).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(10_000);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("each sound begins the time anew", () => {
  const { silence, onSilence } = listen();
  for (let n = 0; n < 10; n++) {
    vi.advanceTimersByTime(900);
    silence.reset();
  }
  vi.advanceTimersByTime(1_049);
  expect(onSilence).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("what comes right after the limit, as after a standstill of this machine, still counts", () => {
  const { silence, onSilence } = listen();
  vi.advanceTimersByTime(1_000);
  silence.reset();
  vi.advanceTimersByTime(1_000);
  expect(onSilence).not.toHaveBeenCalled();
});

test("a machine that stood still for seconds gives the server as long again", () => {
  const { silence, onSilence } = listen();
  // As if all of this had passed in one turn of the event loop: the timer is heard late.
  vi.setSystemTime(Date.now() + 800);
  vi.advanceTimersByTime(1_000);
  vi.advanceTimersByTime(799);
  expect(onSilence).not.toHaveBeenCalled();
  silence.reset();
  vi.advanceTimersByTime(1_049);
  expect(onSilence).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("a machine that is late all the time waits as long again, and no longer", () => {
  const { onSilence } = listen();
  for (let late = 0; late < 40 && onSilence.mock.calls.length === 0; late++) {
    vi.setSystemTime(Date.now() + 200);
    vi.advanceTimersToNextTimer();
  }
  expect(onSilence).toHaveBeenCalledOnce();
  expect(Date.now() - started).toBeGreaterThanOrEqual(2_000);
  expect(Date.now() - started).toBeLessThan(3_000);
});

test("silence while nobody listens is not the server's", () => {
  const { silence, onSilence } = listen();
  silence.pause();
  vi.advanceTimersByTime(60_000);
  silence.reset();
  vi.advanceTimersByTime(1_000);
  expect(onSilence).not.toHaveBeenCalled();
});

test("nothing comes after stop", () => {
  const { silence, onSilence } = listen();
  vi.advanceTimersByTime(1_000);
  silence.stop();
  vi.advanceTimersByTime(10_000);
  expect(onSilence).not.toHaveBeenCalled();
});

test("times of pauses do not count, and do not begin the time anew", () => {
  const { silence, onSilence } = listen();
  for (let n = 0; n < 5; n++) {
    vi.advanceTimersByTime(190);
    silence.pause();
    vi.advanceTimersByTime(5_000);
    silence.resume();
  }
  expect(onSilence).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("who pauses twice has to resume twice", () => {
  const { silence, onSilence } = listen();
  silence.pause();
  silence.pause();
  silence.resume();
  vi.advanceTimersByTime(60_000);
  expect(onSilence).not.toHaveBeenCalled();
  silence.resume();
  vi.advanceTimersByTime(1_050);
  expect(onSilence).toHaveBeenCalledOnce();
});

test.each([200, 5_000])("after `resetTo` the limit is another one: %d ms", (limitMs) => {
  const { silence, onSilence } = listen();
  vi.advanceTimersByTime(900);
  silence.resetTo(limitMs);
  vi.advanceTimersByTime(limitMs + 49);
  expect(onSilence).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onSilence).toHaveBeenCalledOnce();
});
