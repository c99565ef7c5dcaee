import { describe, expect, test } from "vitest";
import type { Me } from "../../src/admin/operator.ts";
import type { Right } from "../../src/config/rights.ts";
import { offersOn } from "../../src/dashboard/page/offers.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { aPool, drainedBy } from "./snapshots.ts";

const jane = (...may: Right[]): Me => ({ name: "jane", via: "token", pools: { web: may } });
const drained = (owner: string, by = owner): Snapshot => {
  const { drain, ...rest } = aPool(drainedBy(owner));
  return { ...rest, drain: drain && { ...drain, by } };
};

const NOTHING = {
  drain: false,
  extend: false,
  cut: false,
  stop: false,
  resume: null,
  servers: false,
  register: false,
  slots: false,
  deferred: false,
};

test("nothing is offered to who may look only, on a pool of others, or before it is known who has signed in", () => {
  for (const pool of [aPool(), drained("jane")]) {
    expect(offersOn(pool, jane("look"))).toEqual(NOTHING);
    expect(offersOn({ ...pool, name: "reports" }, jane("drain", "force"))).toEqual(NOTHING);
    expect(offersOn(pool, null)).toEqual(NOTHING);
  }
});

test("each right offers its own acts only", () => {
  expect(offersOn(aPool(), jane("look", "drain"))).toEqual({ ...NOTHING, drain: true, stop: true });
  expect(offersOn(aPool(), jane("look", "servers"))).toEqual({ ...NOTHING, servers: true });
  expect(offersOn(aPool(), jane("look", "slots"))).toEqual({ ...NOTHING, slots: true });
  expect(offersOn(aPool(), jane("look", "deferred"))).toEqual({ ...NOTHING, deferred: true });
  expect(offersOn(drained("ci"), jane("look", "force"))).toEqual(NOTHING);
});

describe("a drain", () => {
  test.each([
    ["one's own", drained("jane"), ["drain"], "at once", true],
    ["of a deploy of one's own", drained("deploy-42", "jane"), ["drain"], "by force", false],
    ["somebody else's", drained("ci"), ["drain"], null, false],
    ["somebody else's, with force", drained("ci"), ["drain", "force"], "by force", false],
    ["somebody else's under one's own name", drained("jane", "ci"), ["drain"], null, false],
  ] as const)("that is %s offers what may be done with it", (_, pool, rights, resume, extend) => {
    // One's own can be turned into a stop.
    expect(offersOn(pool, jane(...rights))).toEqual({ ...NOTHING, resume, extend, stop: extend });
  });
});

describe("one's own stop", () => {
  const stopped = (by: string): Snapshot => {
    const { drain, ...rest } = drained("jane", by);
    return { ...rest, state: "stopped", drain: drain && { ...drain, stop: { message: null } } };
  };

  test("can be extended, ended, and turned into a drain", () => {
    const offers = { ...NOTHING, drain: true, extend: true, resume: "at once" };
    expect(offersOn(stopped("jane"), jane("drain"))).toEqual(offers);
    expect(offersOn(stopped("ci"), jane("drain"))).toEqual(NOTHING);
  });
});

describe("to cut off what a drain waits for", () => {
  const draining = (owner: string): Snapshot => ({ ...drained(owner), state: "draining" });

  test("is offered on a drain of one's own that waits, with the right to free slots", () => {
    expect(offersOn(draining("jane"), jane("drain", "slots")).cut).toBe(true);
    expect(offersOn(draining("jane"), jane("drain")).cut).toBe(false);
    expect(offersOn(draining("ci"), jane("drain", "slots", "force")).cut).toBe(false);
    expect(offersOn(drained("jane"), jane("drain", "slots")).cut).toBe(false);
  });
});
