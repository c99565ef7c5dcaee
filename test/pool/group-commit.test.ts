import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GroupCommit } from "../../src/pool/group-commit.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What became of a promise so far. */
async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return done;
}

test("what happens in one turn of the event loop is committed once", async () => {
  const commit = vi.fn();
  const group = new GroupCommit(commit);
  const all = [group.soon(), group.later(), group.soon()];
  expect(commit).not.toHaveBeenCalled();
  expect(group.pending).toBe(true);
  vi.advanceTimersByTime(0);
  await Promise.all(all);
  expect(group.pending).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(commit).toHaveBeenCalledTimes(1);
});

test("what can wait shares the next commit", async () => {
  const commit = vi.fn();
  const group = new GroupCommit(commit);
  const release = group.later();
  vi.advanceTimersByTime(5);
  const grant = group.soon();
  vi.advanceTimersByTime(0);
  await Promise.all([release, grant]);
  vi.advanceTimersByTime(1_000);
  expect(commit).toHaveBeenCalledTimes(1);
});

test("what can wait is committed by itself where nothing else happens", async () => {
  const commit = vi.fn();
  const group = new GroupCommit(commit);
  const release = group.later();
  vi.advanceTimersByTime(49);
  expect(commit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  await release;
  expect(commit).toHaveBeenCalledTimes(1);
});

test("who cannot wait commits for all, and nothing is committed twice", async () => {
  const commit = vi.fn();
  const group = new GroupCommit(commit);
  const all = [group.soon(), group.later()];
  group.now();
  await Promise.all(all);
  vi.advanceTimersByTime(1_000);
  expect(commit).toHaveBeenCalledTimes(1);
});

test("nobody is told that a commit succeeded which failed", async () => {
  const group = new GroupCommit(() => {
    throw new Error("disk full");
  });
  const waiting = group.later();
  expect(() => group.now()).toThrow("disk full");
  expect(await settled(waiting)).toBe(false);
});
