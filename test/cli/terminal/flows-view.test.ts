import { expect, test } from "vitest";
import { flowsView } from "../../../src/cli/terminal/flows-view.ts";
import { poolView } from "../../../src/cli/terminal/views.ts";
import { flowWith, poolWith, serverWith } from "../../support/snapshots.ts";

const plain = (_: string, text: string) => text;
const NOW = new Date(2026, 10, 21, 9).getTime();

const FLOWS = [
  flowWith({ queued: 500, inFlight: 8, oldestWaitMs: 125_000, share: 0.8 }),
  flowWith({ key: null, queued: 1, oldestWaitMs: 900, share: 0.166 }),
  flowWith({ key: "00ff00ff00ff00ff", queued: 0, inFlight: 2, oldestWaitMs: 0, share: 0.03 }),
];

test("who waits longest is told in the pool's order, a line for each client", () => {
  expect(flowsView({ flows: FLOWS }, plain)).toEqual([
    "",
    "FLOW              QUEUED  IN FLIGHT     OLDEST  SHARE",
    "4f2a9c01d3e5b768     500          8  2 min 5 s   80 %",
    "no key                 1          0      0.9 s   17 %",
    "00ff00ff00ff00ff       0          2          –    3 %",
  ]);
});

test("a pool that does not tell clients apart, or in which none has anything, has no such table", () => {
  expect(flowsView({}, plain)).toEqual([]);
  expect(flowsView({ flows: [] }, plain)).toEqual([]);
});

test("it stands below the servers, and below what is said of those", () => {
  const pool = poolWith({ servers: [serverWith({ health: "unchecked" })], flows: FLOWS });
  const lines = poolView(pool, plain, NOW);
  const without = poolView({ ...pool, flows: undefined }, plain, NOW);
  expect(lines).toEqual([...without, ...flowsView(pool, plain)]);
  expect(without.at(-1)).toMatch(/^unchecked:/);
});

test("what comes from a pool moves no cursor", () => {
  expect(flowsView({ flows: [flowWith({ key: "a\u001b[2J" })] }, plain).join()).not.toContain("\u001b");
});
