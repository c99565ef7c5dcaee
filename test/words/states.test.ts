import { expect, test } from "vitest";
import { serversInUse, takesRequests } from "../../src/words/states.ts";
import { poolWith, serverWith } from "../support/snapshots.ts";

test.each([
  ["ready", "up", true],
  ["ready", "unchecked", true],
  ["ready", "down", false],
  ["drain", "up", false],
  ["maint", "unchecked", false],
] as const)("a server that is %s and %s takes requests: %s", (state, health, takes) => {
  expect(takesRequests({ state, health })).toBe(takes);
});

test("a pool counts the servers that take requests, busy ones included", () => {
  const servers = [
    serverWith({}),
    serverWith({ name: "b", inFlight: 1 }),
    serverWith({ name: "c", health: "down" }),
  ];
  expect(serversInUse(poolWith({ servers }))).toBe(2);
});
