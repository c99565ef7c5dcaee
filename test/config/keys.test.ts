import { describe, expect, test } from "vitest";
import { KEYS } from "./keys.ts";
import { parseWeb, problemsOf, SERVERS, web } from "./support.ts";

describe.each(KEYS)("$key", ({ key, is, byDefault, takes, refuses }) => {
  test(`is ${JSON.stringify(byDefault)} when it is left out`, () => {
    expect(parseWeb()[is]).toEqual(byDefault);
  });

  test.each(takes)("takes %j", (given, becomes) => {
    expect(parseWeb({ [key]: given })[is]).toEqual(becomes);
  });

  test.each(refuses)("refuses %j, naming the key, the value and what is allowed", (given, says) => {
    expect(problemsOf(web({ [key]: given }))).toEqual([`POOLS.web.${key}: ${says}`]);
  });
});

test("no key of a pool is without its tests", () => {
  const elsewhere = [
    "name",
    "hosts",
    "servers",
    "register",
    "wake",
    "check",
    "quarantine",
    "serverTimeout",
    "retryOn",
    "deferred",
    "headers",
    "pages",
    "freePaths",
    "logHeaders",
    "maxQueuePerFlow",
    "maxInFlightPerFlow",
    "priorities",
    "waitingPageMs",
  ];
  expect(Object.keys(parseWeb()).sort()).toEqual([...KEYS.map(({ is }) => is), ...elsewhere].sort());
});

test("servers is the only key that must be given", () => {
  expect(problemsOf({ web: { servers: SERVERS } })).toEqual([]);
  expect(problemsOf({ web: {} })).toEqual([
    'POOLS.web.servers: missing; allowed: a list of 1 to 1000 tables like { name = "web-1", url = "https://web-1.example.com" }',
  ]);
});
