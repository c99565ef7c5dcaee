import { expect, test } from "vitest";
import { ticketBackoffMs } from "../../src/link/reach.ts";
import { LONGEST_PAUSE_MS, Regroup } from "../../src/scheduler/waiting/regroup.ts";

test("no ticket pauses for longer than its place is kept for it after a restart of its pool", () => {
  const pauses = Array.from({ length: 50 }, (_, n) => ticketBackoffMs(n + 1, () => 1));
  const longest = Math.max(...pauses);
  expect(longest).toBe(LONGEST_PAUSE_MS);
  const regroup = new Regroup(0, true);
  expect(regroup.end(longest)).toBe(false);
  expect(regroup.active).toBe(true);
});
