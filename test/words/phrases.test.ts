import { expect, test } from "vitest";
import { isMissing } from "../../src/words/condition.ts";
import { counted, inSentence, listed, serversInUse, takesRequests } from "../../src/words/phrases.ts";
import { poolWith, serverWith } from "../support/snapshots.ts";

test.each([
  ["ready", "up", true],
  ["ready", "unchecked", true],
  ["ready", "down", false],
  ["drain", "up", false],
  ["maint", "unchecked", false],
] as const)("a server that is %s and %s takes requests: %s", (state, health, takes) => {
  expect(takesRequests({ state, health, slots: 1, weight: 1 })).toBe(takes);
});

test("a server of weight 0 takes none, and is not missing, whatever its health", () => {
  for (const health of ["up", "down", "unchecked"] as const) {
    const server = { state: "ready" as const, health, slots: 1, weight: 0 };
    expect(takesRequests(server)).toBe(false);
    expect(isMissing(server)).toBe(false);
  }
});

test("a server that has left the configuration takes none", () => {
  expect(takesRequests({ state: "ready", health: "unchecked", slots: 0, weight: 1 })).toBe(false);
});

test("a pool counts the servers that take requests, busy ones included", () => {
  const servers = [
    serverWith({}),
    serverWith({ name: "b", inFlight: 1 }),
    serverWith({ name: "c", health: "down" }),
  ];
  expect(serversInUse(poolWith({ servers }))).toBe(2);
});

test("words begin small within a sentence", () => {
  expect(["No server", "2 of 3 servers"].map(inSentence)).toEqual(["no server", "2 of 3 servers"]);
});

test("one is not many", () => {
  expect([counted(0, "slot"), counted(1, "slot"), counted(1_200, "slot")]).toEqual([
    "0 slots",
    "1 slot",
    "1,200 slots",
  ]);
});

test("a long list of names says how many it leaves out", () => {
  expect(listed(["a"])).toBe("a");
  expect(listed(["a", "b", "c", "d"])).toBe("a, b, c and d");
  expect(listed(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
});
