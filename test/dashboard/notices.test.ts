import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  cutAct,
  drainAct,
  endAct,
  extendAct,
  freeAct,
  resumeAct,
  setServerAct,
  stopAct,
} from "../../src/dashboard/page/acts.ts";
import { Problem } from "../../src/dashboard/page/api.ts";
import { cancelAct, retryAct } from "../../src/dashboard/page/deferred-acts.ts";
import { Model } from "../../src/dashboard/page/model.ts";
import { Notices, type Say } from "../../src/dashboard/page/notices.ts";
import { type Act, Performer } from "../../src/dashboard/page/perform.ts";
import type { Snapshot } from "../../src/scheduler/snapshot.ts";
import { aDeferredRequest, aLease, aPool, aServer, drainedBy } from "./snapshots.ts";

type Drain = NonNullable<Snapshot["drain"]>;

const MINE = aPool(drainedBy("jane"));
const FOREIGN = aPool(drainedBy("deploy-42"));
const drainOf = ({ drain }: Snapshot) => drain as Drain;

/** What an act's notice says of each of these, one after another. */
function said(act: Act, ...pools: Snapshot[]): (string | null)[] {
  return pools.map((pool) => act.arrived(pool));
}

describe("what is said of an act is true of the pool, or nothing", () => {
  test("of a drain while it is one's own", () => {
    const draining = aPool({ ...drainedBy("jane"), state: "draining", inFlight: 2 });
    expect(said(drainAct("web", "jane", {}), draining, MINE, FOREIGN, aPool())).toEqual([
      "web takes no more requests to its servers: draining, 2 slots still in flight.",
      "web takes no more requests to its servers: drained.",
      null,
      null,
    ]);
  });

  test("of a stop while it is one's own, and one", () => {
    const stopped = aPool({
      ...MINE,
      state: "stopped",
      drain: { ...drainOf(MINE), stop: { message: null } },
    });
    expect(said(stopAct("web", "jane", {}), stopped, MINE, FOREIGN, aPool())).toEqual([
      "web refuses requests: stopped.",
      null,
      null,
      null,
    ]);
    expect(said(drainAct("web", "jane", {}), stopped)).toEqual([null]);
  });

  test("of a cut while that drain has it, and what came of it", () => {
    const draining = aPool({ ...MINE, state: "draining", inFlight: 2 });
    const withCut = (pool: Snapshot, done: boolean, leases?: number): Snapshot => ({
      ...pool,
      drain: { ...drainOf(pool), cut: { at: "2026-11-21T09:00:30.000Z", done, leases } },
    });
    const act = cutAct("web", drainOf(draining), "30s");
    const pools = [
      draining,
      withCut(draining, false),
      withCut(MINE, true, 2),
      withCut(MINE, true, 0),
      FOREIGN,
    ];
    expect(said(act, ...pools, aPool())).toEqual([
      null,
      expect.stringMatching(/^What is still running in web is cut off at .*\d\d:00:30\.$/),
      "2 requests cut off in web.",
      "Nothing of web had to be cut off.",
      null,
      null,
    ]);
  });

  test("of an extension while that drain lasts longer than before", () => {
    const [before, longer] = [drainOf(MINE), aPool(drainedBy("jane", 1_800))];
    const another = aPool({ ...longer, drain: { ...drainOf(longer), since: "2026-11-21T09:01:00.000Z" } });
    expect(said(extendAct("web", before, 0), MINE, longer, another, aPool())).toEqual([
      null,
      expect.stringMatching(/^The drain of web now ends at .*\d\d:30:00\.$/),
      null,
      null,
    ]);
  });

  test("of a resume until the next drain", () => {
    expect(said(resumeAct("web"), aPool(), FOREIGN)).toEqual(["web is running again.", null]);
    expect(said(endAct("web", "jane", drainOf(FOREIGN)), FOREIGN, aPool())).toEqual([
      null,
      "web is running again.",
    ]);
  });

  test("of a server while it is in that state", () => {
    const act = setServerAct("web", aServer(), "maint");
    const maint = aPool({ servers: [aServer({ state: "maint" })] });
    expect(said(act, maint, aPool(), aPool({ servers: [] }))).toEqual([
      "web-1 is set to maintenance.",
      null,
      null,
    ]);
  });

  test("of a slot whether it is free or has a request again", () => {
    const busy = (id: string) => aPool({ servers: [aServer({ inFlight: 1, leases: [aLease(id)] })] });
    const act = freeAct("web", aServer(), aLease("a"));
    expect(said(act, busy("a"), aPool(), busy("b"), aPool({ servers: [] }))).toEqual([
      null,
      "The slot of web-1 is free.",
      "The slot of web-1 was freed, and has a request again.",
      null,
    ]);
  });

  test("of a deferred request as the list has it", () => {
    let listed = aDeferredRequest({ state: "running" });
    const listing = { find: () => listed, refresh: () => {} };
    const cancel = cancelAct("web", listed, listing);
    expect(said(cancel, aPool())).toEqual([null]);
    listed = aDeferredRequest({ state: "answered" });
    expect(said(cancel, aPool())).toEqual(["POST /orders/1 was answered before it could be stopped."]);
    const retry = retryAct("web", aDeferredRequest(), listing);
    listed = aDeferredRequest();
    expect(said(retry, aPool())).toEqual([null]);
    listed = { ...aDeferredRequest({ state: "queued" }), number: 7 };
    expect(said(retry, aPool())).toEqual(["POST /orders/1 waits again."]);
  });
});

describe("a notice", () => {
  const whileRunning: Say = ({ drain }) => (drain ? null : "It runs.");

  test("is its pool's, and does not come back once it was untrue", () => {
    const notices = new Notices();
    notices.put("web", whileRunning);
    expect(notices.wordsOn(aPool({ name: "reports" }))).toBe("");
    expect(notices.wordsOn(aPool())).toBe("It runs.");
    notices.check(FOREIGN);
    expect(notices.wordsOn(aPool())).toBe("");
  });

  test("is taken away by who has put it only", () => {
    const notices = new Notices();
    const earlier: Say = () => "Earlier.";
    notices.put("web", earlier);
    notices.put("web", whileRunning);
    notices.remove("web", earlier);
    expect(notices.wordsOn(aPool())).toBe("It runs.");
    notices.remove("web");
    expect(notices.wordsOn(aPool())).toBe("");
  });
});

describe("an act", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** What a page shows after each drawing: the notice, and the pool's state. */
  function page(first: Snapshot) {
    const model = new Model();
    model.choose("web");
    model.setConnected();
    model.addSnapshot(first);
    const drawn: string[] = [];
    const calls = { onForbidden: vi.fn(), onDone: vi.fn(), announce: vi.fn() };
    const redraw = () => {
      const pool = model.pools.get("web") as Snapshot;
      drawn.push(`${pool.state}: ${model.notices.wordsOn(pool)}`);
    };
    return { model, drawn, ...calls, performer: new Performer(model, { redraw, ...calls }) };
  }

  const at = (number: number, changes: Partial<Snapshot> = {}) =>
    aPool({ revision: { since: "2026-11-21T08:00:00.000Z", number }, ...changes });

  /** A resume whose answer the test gives. */
  function resume() {
    const answer = Promise.withResolvers<{ snapshot: Snapshot; say: Say }>();
    const act: Act = { ...resumeAct("web"), send: () => answer.promise };
    return { act, answer: (snapshot: Snapshot) => answer.resolve({ snapshot, say: act.arrived }), ...answer };
  }

  test("is said and shown in one drawing, and to a screen reader", async () => {
    const { performer, drawn, announce } = page(at(1, drainedBy("jane")));
    const { act, answer } = resume();
    answer(at(2));
    expect(await performer.perform(act)).toBeNull();
    expect(drawn).toEqual(["running: web is running again."]);
    expect(announce).toHaveBeenLastCalledWith("web is running again.");
  });

  test("whose answer the stream has overtaken says nothing that is over", async () => {
    const { performer, model, drawn } = page(at(1, drainedBy("jane")));
    const { act, answer } = resume();
    model.addSnapshot(at(3, drainedBy("deploy-42")));
    answer(at(2));
    await performer.perform(act);
    expect(drawn).toEqual(["drained: "]);
  });

  test("says after a second that it waits, and for how long", async () => {
    const { performer, drawn } = page(at(1, drainedBy("jane")));
    const { act, answer } = resume();
    const done = performer.perform(act);
    vi.advanceTimersByTime(1_000);
    answer(at(2));
    await done;
    expect(drawn).toEqual([
      "drained: Resuming web: waiting for the pool’s answer, 1 s…",
      "running: web is running again.",
    ]);
  });

  test("without an answer says that it may have arrived, and then what the page shows", async () => {
    const { performer, model, drawn } = page(at(1, drainedBy("jane")));
    const { act, reject } = resume();
    reject(new Problem(0, "", "Sluice cannot be reached", ""));
    await performer.performAtOnce(act);
    const pool = () => model.notices.wordsOn(model.pools.get("web") as Snapshot);
    expect(drawn.at(-1)).toBe(
      "drained: Resuming web: Sluice cannot be reached. It may have arrived all the same; the page will show it.",
    );
    model.addSnapshot(at(2));
    expect(pool()).toBe("web is running again.");
    model.addSnapshot(at(3, drainedBy("jane")));
    expect(pool()).toBe("");
  });

  test("that is not allowed says why, until the pool is another, and lets the page ask what is", async () => {
    const { performer, model, drawn, onForbidden } = page(at(1, drainedBy("jane")));
    const { act, reject } = resume();
    reject(new Problem(403, "forbidden", "This is not allowed", '"jane" does not have the right "drain".'));
    await performer.performAtOnce(act);
    expect(drawn.at(-1)).toBe(
      'drained: Resuming web: This is not allowed: "jane" does not have the right "drain".',
    );
    expect(onForbidden).toHaveBeenCalledOnce();
    model.addSnapshot(at(2));
    expect(model.notices.wordsOn(at(2))).toBe("");
  });
});

test("what a refusal says of a body is told by its parts, without their paths", () => {
  const detail = 'body.expires: "soon" is not a duration; allowed: "15m"\nbody: unknown key';
  const problem = new Problem(400, "invalid-request", "The request is not valid", detail);
  expect(problem.lines).toEqual([
    { key: "expires", text: '"soon" is not a duration; allowed: "15m"' },
    { key: "", text: "unknown key" },
  ]);
  expect(problem.message).toBe(
    'The request is not valid: "soon" is not a duration; allowed: "15m"; unknown key',
  );
});
