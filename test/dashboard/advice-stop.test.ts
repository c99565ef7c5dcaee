import { describe, expect, test } from "vitest";
import { outlookOf } from "../../src/dashboard/page/outlook.ts";
import type { DrainSnapshot, Snapshot } from "../../src/scheduler/snapshot.ts";
import { clockInWords } from "../../src/words/times.ts";
import {
  aDeferredPool,
  ago,
  aLease,
  aPool,
  aQuarantinedLease,
  aServer,
  drainedBy,
  NOW,
  refused,
} from "./snapshots.ts";

const outlook = (pool: Snapshot, mayCut = true) => outlookOf(pool, "admin", NOW, undefined, [], mayCut);
const adviceOn = (pool: Snapshot, mayCut = true) =>
  outlook(pool, mayCut).advice.map(({ weight, text }) => `${weight}: ${text}`);

const held = (changes: Partial<DrainSnapshot>, owner = "admin", expiresInS = 900): Partial<Snapshot> => {
  const { drain = null } = drainedBy(owner, expiresInS);
  return { drain: drain && { ...drain, ...changes } };
};
const STOP = { stop: { message: null } };
/** One request in flight for so many seconds, in a drain of this kind. */
const waiting = (changes: Partial<DrainSnapshot>, owner = "admin", seconds = 100): Snapshot =>
  aPool({
    ...held({ since: ago(seconds), ...changes }, owner),
    state: changes.stop ? "stopping" : "draining",
    inFlight: 1,
    servers: [aServer({ leases: [aLease("a", seconds)] })],
  });

describe("a stop", () => {
  const stopped = (changes: Partial<Snapshot> = {}) => aPool({ ...held(STOP), state: "stopped", ...changes });

  test("refuses by intent: that is told, and is no trouble", () => {
    const pool = stopped({ recentRefusals: [refused("stopped", 1_200)] });
    expect(outlook(pool).condition).toEqual({ gravity: "warn", words: "Stopped" });
    expect(adviceOn(pool)).toEqual([
      "plain: Requests are refused until it is resumed. Nothing is in flight: now is the time for the work. Resume afterwards. 1,200 requests refused lately (stopped).",
    ]);
  });

  test("is no trouble after its end either, and what it has refused is told as that", () => {
    const pool = aPool({ recentRefusals: [refused("stopped", 7)] });
    expect(outlook(pool).condition).toEqual({ gravity: "good", words: "Running" });
    expect(adviceOn(pool)).toEqual([
      "plain: 7 requests refused lately (stopped): an operator had stopped the pool. See the events.",
    ]);
  });

  test("keeps what is stored, and says what it waits for", () => {
    const { deferred } = aDeferredPool({ queued: 3 });
    expect(adviceOn({ ...waiting(STOP, "admin", 5), deferred, queued: 3 })).toEqual([
      "plain: Requests are refused until it is resumed; 3 that are stored stay on the list. 1 slot still in flight. The longest is on web-1, for 5.0 s. What does not end can be cut off.",
    ]);
  });

  test("that ends soon says so, by its own name", () => {
    expect(adviceOn(stopped(held(STOP, "admin", 60)))).toEqual([
      "warn: Requests are refused until it is resumed. The stop ends by itself in 1 min, and requests go to the servers again. Not finished? Extend it.",
    ]);
  });

  test("in which something else was refused a moment ago is as grave as that", () => {
    const pool = stopped({ recentRefusals: [refused("queue-full", 7)] });
    expect(outlook(pool).condition).toEqual({ gravity: "bad", words: "Stopped, refusing" });
    expect(adviceOn(pool)[0]).toMatch(
      /^bad: Requests are refused until it is resumed\. 7 requests refused lately \(queue-full\): the waiting list is full\. Nothing is in flight/,
    );
  });
});

describe("a cut", () => {
  const COMES = { cut: { at: ago(-12), done: false } };
  const DONE = { cut: { at: ago(5), done: true, leases: 2 } };

  test("that is to come ends the wait", () => {
    expect(adviceOn(waiting(COMES))).toEqual([
      "plain: Wait before you deploy: 1 slot still in flight. The longest is on web-1, for 1 min 40 s. The drain cuts off in 12 s what is left.",
    ]);
  });

  test("is what is left to do if a request does not end, for whoever may cut off what is theirs", () => {
    const wait =
      "plain: Wait before you deploy: 1 slot still in flight. The longest is on web-1, for 1 min 40 s.";
    expect(adviceOn(waiting({}))).toEqual([`${wait} What does not end can be cut off.`]);
    expect(adviceOn(waiting({}), false)).toEqual([wait]);
    expect(adviceOn(waiting({}, "deploy-42"))).toEqual([wait]);
  });

  test("leaves slots closed whose servers may be at work: the deploy can begin all the same", () => {
    const pool = aPool({
      ...held(DONE),
      state: "drained",
      queued: 7,
      inFlight: 2,
      quarantined: 2,
      servers: [aServer({ leases: [aQuarantinedLease("a", 5, 90), aQuarantinedLease("b", 5, 95)] })],
    });
    expect(adviceOn(pool)).toEqual([
      "plain: 2 requests were cut off: restart what may still be at work on them. Resume afterwards; 7 requests will go on then. " +
        `2 slots stay closed meanwhile. The first opens by itself at ${clockInWords(ago(-90), NOW)} at the latest.`,
    ]);
  });

  test("is no failure of a server, during the drain and after it", () => {
    const recentRefusals = [refused("cut-off", 3)];
    const { condition } = outlook(aPool({ recentRefusals }));
    expect(condition).toEqual({ gravity: "good", words: "Running" });
    expect(adviceOn(aPool({ recentRefusals }))).toEqual([
      "plain: 3 requests refused lately (cut-off): a drain waited for them no longer, as an operator had asked. See the events.",
    ]);
    expect(adviceOn(aPool({ ...held(DONE), state: "drained", recentRefusals }))[0]).toMatch(
      /^plain: Nothing is in flight.* 3 requests refused lately \(cut-off\)\.$/,
    );
  });
});

test("a pool that has asked for servers says when and what it got, while requests wait for one", () => {
  const servers = [aServer({ health: "down", healthSince: ago(20) })];
  const lastWake = { at: ago(7), got: "status 202" };
  const words = / Servers were asked for 7 s ago: status 202\.$/;
  expect(adviceOn(aPool({ servers, lastWake, queued: 1 }))[0]).toMatch(words);
  expect(adviceOn(aPool({ servers, lastWake }))[0]).not.toMatch(words);
});
