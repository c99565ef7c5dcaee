import { describe, expect, test } from "vitest";
import { HealthState } from "../../../src/scheduler/fleet/health.ts";

const RULES = { rise: 2, fall: 3 };

/** `+` a check passes, `-` one fails, `a` a request is answered, `x` one's connection fails, or it is not answered. */
function statusAfter(events: string, health = new HealthState(RULES)) {
  for (const event of events) {
    if (event === "+") health.checkPassed();
    else if (event === "-") health.checkFailed("failed", 0, 0);
    else if (event === "x") health.requestFailed(0);
    else health.requestAnswered();
  }
  return health.status;
}

describe("a server's health", () => {
  test.each([
    ["", "unchecked", "nobody has looked"],
    ["+", "up", "one good check is enough to begin with"],
    ["--", "unchecked", "fewer failures than fall change nothing"],
    ["---", "down", "fall failures in a row bring it down"],
    ["--+--", "up", "a good check in between begins the count anew"],
    ["-a-a-", "down", "an answered request in between does not"],
    ["xxx", "down", "failed requests bring it down as failed checks do"],
    ["x-x", "down", "both together, too"],
    ["-x+x-", "up", "a good check ends both rows"],
    ["xxaxx", "unchecked", "an answered request ends a row of failed requests"],
    ["--xa-", "down", "and no more than that"],
    ["---aaaa", "down", "answered requests never raise a server that is down"],
    ["---+", "down", "fewer good checks than rise do not raise it"],
    ["---+-+", "down", "good checks count in a row only"],
    ["---++", "up", "rise good checks in a row do"],
    ["---++---", "down", "and it may fall again"],
  ])("%j: %s, %s", (events, status) => {
    expect(statusAfter(events)).toBe(status);
  });

  test("never falls without checks, which alone could raise it again", () => {
    expect(statusAfter("----------", new HealthState(null))).toBe("unchecked");
    expect(new HealthState(null, "down").status).toBe("unchecked");
  });

  test("is surely down for a minute after that was last seen, by whatever failed", () => {
    const health = new HealthState(RULES);
    for (const at of [0, 1, 2]) health.requestFailed(at);
    expect([health.isSurelyDown(60_001), health.isSurelyDown(60_002)]).toEqual([true, false]);
    health.checkFailed("timeout", 69_000, 70_000);
    // One good check is not enough to raise it, but says nothing for its being down either.
    health.checkPassed();
    expect([health.isSurelyDown(129_999), health.isSurelyDown(130_000)]).toEqual([true, false]);
  });

  test("restored as down was last seen when it became so, as far as anyone knows", () => {
    const health = new HealthState(RULES, "down", 5_000);
    expect([health.isSurelyDown(64_999), health.isSurelyDown(65_000)]).toEqual([true, false]);
    expect(new HealthState(RULES, "down").isSurelyDown(0)).toBe(false);
  });

  test("remembers when it last refused a connection, until it is well", () => {
    const health = new HealthState(RULES);
    for (const result of ["failed", "broken", "timeout"] as const) health.checkFailed(result, 10, 11);
    expect(health.refusedAt).toBeNull();
    health.checkFailed("refused", 20, 21);
    health.checkPassed();
    expect(health.refusedAt).toBe(20);
    health.checkPassed();
    expect(health.refusedAt).toBeNull();
    health.checkFailed("refused", 30, 31);
    health.checkPassed();
    expect(health.refusedAt).toBeNull();
  });

  test("goes on from where an earlier instance of the pool knew it", () => {
    expect(statusAfter("+", new HealthState(RULES, "down"))).toBe("down");
    expect(statusAfter("++", new HealthState(RULES, "down"))).toBe("up");
  });
});
