import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { takeReport, tellEnded, tellInBatch, tellPassed } from "../../src/link/endings.ts";
import type { Env } from "../../src/link/env.ts";
import { lineOf, Place } from "../../src/link/line.ts";
import type { Ended, PassingReport, Urgency } from "../../src/link/protocol.ts";

/** What the pool was told, message by message. */
let told: string[][] = [];
let failures = 0;
/** A pool of its own for each test: what ended lately is remembered. */
let web = "web";

beforeEach(({ task }) => {
  web = task.id;
  vi.useFakeTimers();
  // The platform's own, which Node has elsewhere.
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  told = [];
  failures = 0;
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const stub = {
  end: async (ended: Ended[]) => {
    if (failures-- > 0) throw new Error("the object restarts");
    told.push(ended.map(({ id }) => id));
  },
};
const env = { POOL: { getByName: () => stub } } as unknown as Env;
const done = (id: string): Ended => ({ id, end: { how: "done", status: 200 } });
const tellBy = (urgency: Urgency, id: string, pool = web) =>
  tellInBatch(env, { name: pool, locationHint: null }, done(id), urgency);
const tell = (id: string, pool = web) => tellBy("at once", id, pool);
const tellInATurn = (id: string) => tellBy("in a turn", id);
const tellSoon = (id: string) => tellBy("soon", id);

test("a request that ends is told at once", async () => {
  const only = tell("a");
  expect(told).toEqual([["a"]]);
  await vi.advanceTimersByTimeAsync(1);
  await only;
  expect(told).toEqual([["a"]]);
});

describe("those which end in the same turn of the event loop", () => {
  test("share a message after the second, and their successors after the first", async () => {
    const all = [tell("a"), tell("b"), tell("c"), tell("d")];
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([["a"], ["b"], ["c", "d"]]);
    all.push(tell("e"), tell("f"), tell("g"));
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all(all);
    expect(told.slice(3)).toEqual([["e"], ["f", "g"]]);
  });

  test("are not waited for once a request has ended alone", async () => {
    const together = [tell("a"), tell("b"), tell("c")];
    await vi.advanceTimersByTimeAsync(1);
    const alone = tell("d");
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all([...together, alone]);
    await tell("e");
    expect(told).toEqual([["a"], ["b"], ["c"], ["d"], ["e"]]);
  });
});

test("those of different pools go to theirs", async () => {
  const all = [tell("a"), tell("b"), tell("of another", "another"), tell("c")];
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(all);
  expect(told).toEqual([["a"], ["b"], ["of another"], ["c"]]);
});

test("a message is said again until the pool has it, and what ends meanwhile does not wait for it", async () => {
  failures = 2;
  const first = tell("a");
  await vi.advanceTimersByTimeAsync(1);
  failures--;
  const second = tell("b");
  await vi.advanceTimersByTimeAsync(1);
  await second;
  expect(told).toEqual([["b"]]);
  await vi.advanceTimersByTimeAsync(1_000);
  await first;
  expect(told).toEqual([["b"], ["a"]]);
});

test("what an invocation left behind that died is told by the next one", async () => {
  const never = vi.fn(() => new Promise(() => {}));
  vi.stubGlobal("scheduler", { wait: never });
  void tell("a");
  void tell("of one that dies");
  await tell("of one that relies on it");
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  await vi.advanceTimersByTimeAsync(1_000);
  const next = tell("next");
  await vi.advanceTimersByTimeAsync(1);
  await next;
  expect(told).toEqual([["a"], ["of one that dies"], ["of one that relies on it", "next"]]);
});

test("what a request takes along that goes to the pool anyway is not told twice", async () => {
  const all = [tell("a"), tell("b"), tell("c"), tell("d")];
  expect(takeReport(web).ended.map(({ id }) => id)).toEqual(["c", "d"]);
  expect(takeReport(web).ended).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(all);
  expect(told).toEqual([["a"], ["b"]]);
});

test("what it could not tell is told by itself, until the pool has it", async () => {
  failures = 1;
  const all = tellEnded(env, { name: web, locationHint: null }, [done("a"), done("b")]);
  await vi.advanceTimersByTimeAsync(1_000);
  await all;
  expect(told).toEqual([["a", "b"]]);
});

describe("what nobody waits for, while others are under way,", () => {
  test("is told at the end of the turn, with all that ended in it", async () => {
    const all = [tellInATurn("a"), tellInATurn("b"), tell("c"), tellInATurn("d")];
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([["a", "b", "c", "d"]]);
    await Promise.all(all);
  });

  test("does not wait for what has time", async () => {
    const all = [tellSoon("a"), tellInATurn("b")];
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([["a", "b"]]);
    await vi.advanceTimersByTimeAsync(10);
    await Promise.all(all);
    expect(told).toHaveLength(1);
  });

  test("is taken along by the next request to the pool", async () => {
    const only = tellInATurn("a");
    expect(takeReport(web).ended.map(({ id }) => id)).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    await only;
    expect(told).toEqual([]);
  });
});

describe("what nobody waits for", () => {
  test("is taken along by the next request to the pool", async () => {
    const all = [tellSoon("a"), tellSoon("b")];
    expect(takeReport(web).ended.map(({ id }) => id)).toEqual(["a", "b"]);
    await vi.advanceTimersByTimeAsync(10);
    await Promise.all(all);
    expect(told).toEqual([]);
  });

  test("is told together after a few milliseconds, if there is no next", async () => {
    const all = [tellSoon("a"), tellSoon("b")];
    await vi.advanceTimersByTimeAsync(1);
    all.push(tellSoon("c"));
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(10);
    await Promise.all(all);
    expect(told).toEqual([["a", "b", "c"]]);
  });

  test("is told with the first that cannot wait, and what follows that waits no longer", async () => {
    const all = [tellSoon("a"), tell("b"), tellSoon("c"), tell("d")];
    expect(told).toEqual([["a", "b"]]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    await vi.advanceTimersByTimeAsync(10);
    await Promise.all(all);
    expect(told).toHaveLength(2);
  });

  test("is told by the next where the one that was to tell it died", async () => {
    vi.stubGlobal("scheduler", { wait: () => new Promise(() => {}) });
    void tellSoon("of one that dies");
    await vi.advanceTimersByTimeAsync(1_000);
    void tell("next");
    expect(told).toEqual([["of one that dies", "next"]]);
  });
});

describe("a lease that was passed on", () => {
  /** What the pool was told of passes, message by message: lease, hop and ticket. */
  let passes: string[][];
  const passingStub = {
    end: async (ended: Ended[], passing?: PassingReport) => {
      if (failures-- > 0) throw new Error("the object restarts");
      told.push(ended.map(({ id, hop = 0 }) => `${id}.${hop}`));
      passes.push((passing?.passed ?? []).map(({ lease, hop, to }) => `${lease}.${hop} ${to}`));
    },
  };
  const passingEnv = { POOL: { getByName: () => passingStub } } as unknown as Env;

  beforeEach(() => {
    passes = [];
  });

  /** A request that waits in line, and goes on at once with a lease that it is given, unless it is gone. */
  function heir(ticket: string, isGone = false): number {
    const place: Place = new Place(ticket, { due: 0, until: Number.POSITIVE_INFINITY }, () => {
      if (!isGone) void Promise.resolve().then(() => place.take());
    });
    return lineOf(web).enter(place).call;
  }

  let version = 0;
  function pass(calls: number[]): Promise<void> {
    version += 10;
    lineOf(web).hear({ version, calls, notBefore: 0 });
    const server = { name: "a", url: "http://a.example", binding: null };
    const now = Date.now();
    const times = { version, passUntil: now + 10_000, renewedAt: now };
    const lease = { id: "l", server, tellEnd: "at once" as const, hop: 0, ...times };
    const passed = lineOf(web).pass(lease, { how: "done", status: 200 });
    if (!passed) throw new Error("nobody was there");
    return tellPassed(passingEnv, { name: web, locationHint: null }, passed);
  }

  test("is told after some ms, with the others of that time", async () => {
    const all = [pass([heir("b")]), pass([heir("c")])];
    await vi.advanceTimersByTimeAsync(4);
    expect(passes).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(passes).toEqual([["l.1 b", "l.1 c"]]);
    await Promise.all(all);
  });

  test("is taken along by a request that comes, once the next one has gone on", async () => {
    const all = pass([heir("b")]);
    expect(takeReport(web).passed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(takeReport(web).passed.map(({ to }) => to.ticket)).toEqual(["b"]);
    await vi.advanceTimersByTimeAsync(20);
    await all;
    expect(passes).toEqual([]);
  });

  test("goes to the one after, if the next one is gone, and ends if all are", async () => {
    const all = [pass([heir("gone", true), heir("c")])];
    await vi.advanceTimersByTimeAsync(300);
    expect(passes.filter(({ length }) => length > 0)).toEqual([["l.1 c"]]);
    all.push(pass([heir("gone too", true)]));
    await vi.advanceTimersByTimeAsync(300);
    await Promise.all(all);
    expect(told.at(-1)).toEqual(["l.0"]);
  });

  test("is told again until that is heard", async () => {
    failures = 2;
    const all = pass([heir("b")]);
    await vi.advanceTimersByTimeAsync(1_000);
    await all;
    expect(passes).toEqual([["l.1 b"]]);
  });
});
