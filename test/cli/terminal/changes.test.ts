import { expect, test } from "vitest";
import { Changes } from "../../../src/cli/terminal/changes.ts";
import type { Output } from "../../../src/cli/terminal/output.ts";
import { poolWith, serverWith } from "../../support/snapshots.ts";

const NOW = new Date(2026, 10, 21, 9).getTime();

test("top in a pipe tells when deferred requests come, go or fail, and nothing while none does", () => {
  let written = "";
  const output = { write: (text: string) => (written += text) } as unknown as Output;
  const changes = new Changes(output, false);
  const none = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0 };
  for (const [queued, deferred] of [
    [0, none],
    [3, { ...none, queued: 2, oldestMs: 10 }],
    [3, { ...none, queued: 2, oldestMs: 20 }],
    [0, { ...none, answered: 1, failed: 1 }],
  ] as const)
    changes.print({ pools: [poolWith({ queued, oldestWaitMs: 2_100, deferred })], unreachable: [] }, NOW);
  expect(written.split("\n")).toEqual([
    "09:00:00 web running: 0 in flight, 0 queued",
    "09:00:00 web running: 0 in flight, 1 queued, oldest 2.1 s, 2 deferred",
    "09:00:00 web running: 0 in flight, 0 queued, 1 deferred failed",
    "",
  ]);
});

test("top in a pipe tells of trouble as it comes and goes, and says no number of servers twice", () => {
  let written = "";
  const output = { write: (text: string) => (written += text) } as unknown as Output;
  const changes = new Changes(output, false);
  const [up, down] = [serverWith(), serverWith({ name: "web-2", health: "down" })];
  const set = serverWith({ name: "web-2", state: "maint" });
  for (const servers of [
    [up, up],
    [up, down],
    [down, down],
    [up, set],
    [up, up],
  ])
    changes.print({ pools: [poolWith({ servers })], unreachable: [] }, NOW);
  expect(written.split("\n")).toEqual([
    "09:00:00 web running: 0 in flight, 0 queued",
    "09:00:00 web 1 of 2 servers: 0 in flight, 0 queued",
    "09:00:00 web no server: 0 in flight, 0 queued",
    "09:00:00 web running: 0 in flight, 0 queued, 1 of 2 servers out",
    "09:00:00 web running: 0 in flight, 0 queued",
    "",
  ]);
});
