import { beforeEach, describe, expect, test } from "vitest";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { DONE } from "./ends.ts";
import { settings } from "./settings.ts";

const MINUTE = 60_000;
const CLAIM = { owner: "move", by: "me" };
let scheduler: Scheduler;
let now: number;

function start(keys: Record<string, unknown> = {}): void {
  now = 0;
  const servers = [{ name: "a", url: "http://a.example" }];
  scheduler = new Scheduler(settings({ servers, deferred: {}, ...keys }), null, now);
}

/** What was decided since the last look: `t1 grant`, `t2 stopped: Back soon.`. */
function decided(): string[] {
  return scheduler.takeChanges().decisions.map((decision) => {
    const { ticket, kind } = decision;
    if (kind !== "refuse") return `${ticket} ${kind}`;
    return `${ticket} ${decision.code}${decision.message === undefined ? "" : `: ${decision.message}`}`;
  });
}

function enter(id: string, more: object = {}): string[] {
  scheduler.enter({ id, ...more }, now);
  return decided();
}

const deferred = { expiresAt: 90 * MINUTE };
const stop = (message: string | null = null, more: object = {}) =>
  scheduler.drain({ ...CLAIM, reason: null, expiresAt: 15 * MINUTE, stop: { message }, ...more }, now);
const drain = (more: object = {}) =>
  scheduler.drain({ ...CLAIM, reason: null, expiresAt: 15 * MINUTE, ...more }, now);
const resume = () => scheduler.resume({ ...CLAIM, force: "no" }, now);
const state = () => snapshotOf("web", scheduler, now).state;
const kinds = () => {
  scheduler.journal.take(now);
  return scheduler.journal.since(-1).map(({ kind }) => kind);
};

beforeEach(() => start());

describe("a stop", () => {
  test("refuses who waits and who comes, with its message, and lets what is in flight finish", () => {
    for (const id of ["t1", "t2", "t3"]) enter(id);
    stop("Back at nine.");
    expect(decided()).toEqual(["t2 stopped: Back at nine.", "t3 stopped: Back at nine."]);
    expect(enter("t4")).toEqual(["t4 stopped: Back at nine."]);
    expect([state(), scheduler.queued, scheduler.inFlight]).toEqual(["stopping", 0, 1]);
    scheduler.end("t1", DONE, now);
    expect(state()).toBe("stopped");
    expect(scheduler.totals).toMatchObject({ accepted: 3, completed: 1, refused: { stopped: 3 } });
  });

  test("without a message says no more than that", () => {
    stop();
    expect(enter("t1")).toEqual(["t1 stopped"]);
  });

  test("refuses a retry", () => {
    enter("t1");
    stop();
    expect(enter("t2", { retry: { server: "a", restMs: 0, avoid: true } })).toEqual(["t2 stopped"]);
    scheduler.end("t1", { how: "broken", retried: true }, now);
    expect(scheduler.totals).toMatchObject({ accepted: 1, retried: 1, refused: { stopped: 1 } });
  });

  test("keeps deferred requests that were accepted, and takes no new ones", () => {
    enter("t1");
    enter("t2", deferred);
    stop();
    expect([decided(), scheduler.queued]).toEqual([[], 1]);
    expect(scheduler.deferRefusal(1, now)).toBe("stopped");
    // After a failed attempt, at its old place.
    now = 10_000;
    expect(enter("t3", { ...deferred, token: 0 })).toEqual(["t3 queued"]);
    scheduler.end("t1", DONE, now);
    expect([state(), decided()]).toEqual(["stopped", []]);
    resume();
    expect([decided(), scheduler.queued]).toEqual([["t3 grant"], 1]);
  });

  test("takes no deferred ones even where drains are what they are stored for", () => {
    start({ deferred: { when: "drained" } });
    drain();
    expect([scheduler.willWait(now), scheduler.deferRefusal(0, now)]).toEqual([true, null]);
    stop();
    expect([scheduler.willWait(now), scheduler.deferRefusal(0, now)]).toEqual([false, "stopped"]);
  });

  test("ends by resume, and by itself", () => {
    stop();
    resume();
    expect([state(), enter("t1")]).toEqual(["running", ["t1 grant"]]);
    stop();
    now = 15 * MINUTE;
    scheduler.tick(now);
    expect(state()).toBe("running");
  });

  test("is held like a drain: another owner can neither change it nor end it without force", () => {
    stop("Back at nine.");
    const other = { owner: "deploy", by: "you" };
    expect(scheduler.drain({ ...other, reason: null, expiresAt: null }, now)).toBe(false);
    expect(scheduler.resume({ ...other, force: "no" }, now)).toBe(false);
    expect(enter("t1")).toEqual(["t1 stopped: Back at nine."]);
    expect(scheduler.resume({ ...other, force: "any" }, now)).toBe(true);
  });

  test("cuts off what is in flight if it is to, and then is stopped", () => {
    enter("t1");
    stop(null, { cutAt: 2_000 });
    now = 2_000;
    scheduler.tick(now);
    expect(scheduler.takeChanges().cuts).toEqual(["t1"]);
    expect([state(), kinds()]).toEqual(["stopped", ["stop", "cut", "stopped"]]);
  });

  test("leaves requests no time at all: only its own end is still to come", () => {
    stop();
    expect(scheduler.capacity(now)).toEqual({
      ...{ fullInMs: null, firstTimeoutInMs: null },
      timeLeft: { ms: 15 * MINUTE, until: "drain-expiry" },
    });
  });

  test("tells of how much comes, though all of it is refused", () => {
    stop();
    for (; now < MINUTE; now += 100) enter(`t${now}`);
    expect(snapshotOf("web", scheduler, now).arrivalsPerSecond).toBeCloseTo(10, 0);
  });
});

describe("the claim of a drain", () => {
  test("turns it into a stop, and back", () => {
    enter("t1");
    drain({ reason: "v2", cutAt: 5 * MINUTE });
    enter("t2");
    stop("Back at nine.");
    expect([decided(), state()]).toEqual([["t2 stopped: Back at nine."], "stopping"]);
    expect(scheduler.currentDrain).toMatchObject({ reason: "v2", since: 0, cutAt: 5 * MINUTE });
    scheduler.end("t1", DONE, now);
    drain();
    expect([state(), enter("t3")]).toEqual(["drained", ["t3 queued"]]);
    expect(kinds()).toEqual(["drain", "stop", "refusal", "stopped", "drain", "drained"]);
    expect(scheduler.counters.counts.drains).toBe(1);
  });

  test("extends a stop without making it a drain, and repeats it without losing the message", () => {
    stop("Back at nine.");
    drain({ extend: true, expiresAt: 30 * MINUTE });
    stop();
    expect(enter("t1")).toEqual(["t1 stopped: Back at nine."]);
    stop("Back at ten.", { expiresAt: 30 * MINUTE });
    expect(enter("t2")).toEqual(["t2 stopped: Back at ten."]);
    expect([scheduler.currentDrain?.expiresAt, kinds()]).toEqual([
      30 * MINUTE,
      ["stop", "stopped", "refusal"],
    ]);
  });
});
