import { expect, test } from "vitest";
import { LONGEST_PAUSE_MS, Regroup } from "../../../src/scheduler/waiting/regroup.ts";

test("after a restart the pool waits for its tickets as long as any of them may pause, twice", () => {
  expect(new Regroup(0, true).endsAt).toBe(2 * LONGEST_PAUSE_MS);
});

test("those who are back at once say that the others are, too", () => {
  const regroup = new Regroup(0, true);
  regroup.returned(20, 15);
  expect(regroup.endsAt).toBe(120);
});

test("one that has paused for long says that others may have paused as long", () => {
  const regroup = new Regroup(0, true);
  regroup.returned(20, 200);
  expect(regroup.endsAt).toBe(420);
  regroup.returned(30, 10);
  expect(regroup.endsAt).toBe(430);
});

test("no pause counts for more than the longest, and it all ends after two seconds", () => {
  const regroup = new Regroup(0, true);
  regroup.returned(20, 60_000);
  expect(regroup.endsAt).toBe(20 + 2 * LONGEST_PAUSE_MS);
  regroup.returned(1_900);
  expect(regroup.endsAt).toBe(2_000);
});
