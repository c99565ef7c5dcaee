import { describe, expect, test } from "vitest";
import { HealthState } from "../../src/scheduler/health.ts";

const RULES = { rise: 2, fall: 3 };

/** `+` a check passes, `-` a check or a connection fails, `a` a request is answered. */
function statusAfter(events: string, health = new HealthState(RULES)) {
  for (const event of events) {
    if (event === "+") health.checkPassed();
    else if (event === "-") health.failed();
    else health.answered();
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
    ["--a--", "unchecked", "an answered request in between does, too"],
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

  test("goes on from where an earlier instance of the pool knew it", () => {
    expect(statusAfter("+", new HealthState(RULES, "down"))).toBe("down");
    expect(statusAfter("++", new HealthState(RULES, "down"))).toBe("up");
  });
});
