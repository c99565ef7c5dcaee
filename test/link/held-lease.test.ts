import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Env } from "../../src/link/env.ts";
import { grantedLease, HeldLease } from "../../src/link/held-lease.ts";
import type { Granted, Taken } from "../../src/link/protocol.ts";

const GRANTED: Granted = {
  granted: true,
  server: { name: "a", url: "http://a.example", binding: null },
  token: 7,
  tellEnd: "at once",
};

/** What the pool says of the lease: it is the holder's, it is not, or nothing, as it cannot be reached. */
let says: boolean | Error;
let lease: HeldLease;
let lost: number;
let losses: ("cut" | "lost")[];
/** The calls of the pool and of its handles, in their order. */
let calls: string[];
/** What the pool has to say to the last handle, or an error, as the handle is broken. */
let taken: PromiseWithResolvers<Taken>;

const stub = {
  attach: async () => {
    calls.push("attach");
    if (says instanceof Error) throw says;
    return says ? handle : null;
  },
  end: async () => void calls.push("end"),
};
const handle = {
  renew: async () => {
    calls.push("renew");
    if (says instanceof Error) throw says;
    return says;
  },
  untilCut: () => {
    calls.push("untilCut");
    taken = Promise.withResolvers();
    return taken.promise;
  },
  [Symbol.dispose]: () => void calls.push("dispose"),
};
const hold = (granted: Granted = GRANTED, given: unknown = null) => {
  lease = new HeldLease(
    { POOL: { getByName: () => stub } } as unknown as Env,
    { name: "web", locationHint: null },
    grantedLease("l", granted),
    given as ConstructorParameters<typeof HeldLease>[3],
  );
  lease.onLost = (why) => {
    lost++;
    losses.push(why);
    void lease.end({ how: why });
  };
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  says = true;
  lost = 0;
  losses = [];
  calls = [];
  hold();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("a lease that is renewed is never lost", async () => {
  await pass(600_000);
  expect(lost).toBe(0);
});

test("one that the pool says is another's is lost at the next renewal, once", async () => {
  await pass(25_000);
  says = false;
  await pass(5_001);
  expect(lost).toBe(1);
  await pass(60_000);
  expect(lost).toBe(1);
});

test("one that was another's before its holder has attached is lost as soon as it does", async () => {
  says = false;
  await pass(1_001);
  expect(lost).toBe(1);
});

test("while the pool cannot be reached it is lost when a lease's time to live is over, and not before", async () => {
  await pass(20_000);
  says = new Error("unreachable");
  await pass(29_000);
  expect(lost).toBe(0);
  await pass(1_001);
  expect(lost).toBe(1);
});

test("a pool that is back in time makes it the holder's again", async () => {
  says = new Error("unreachable");
  await pass(15_000);
  says = true;
  await pass(600_000);
  expect(lost).toBe(0);
});

test("one that ends while its renewal is on the way is not lost by the answer", async () => {
  await pass(15_000);
  const late = Promise.withResolvers<boolean>();
  says = true;
  vi.spyOn(handle, "renew").mockReturnValueOnce(late.promise);
  await pass(5_001);
  await lease.end({ how: "done", status: 200 });
  late.resolve(false);
  await pass(1);
  expect(lost).toBe(0);
});

test("one ends once: by a second time it may be another request's", async () => {
  void lease.end({ how: "busy", restMs: 0 });
  void lease.end({ how: "broken" });
  await pass(1_000);
  expect(calls).toEqual(["end"]);
});

test("one that has ended is lost to nobody", async () => {
  await lease.end({ how: "client" });
  says = false;
  await pass(60_000);
  expect(lost).toBe(0);
});

describe("a lease that is held for longer than a second", () => {
  test("is attached then, once, and renewed every ten seconds", async () => {
    await pass(999);
    expect(calls).toEqual([]);
    await pass(1);
    expect(calls).toEqual(["attach", "untilCut"]);
    await pass(8_999);
    expect(calls).toHaveLength(2);
    await pass(20_001);
    expect(calls.slice(2)).toEqual(["renew", "renew", "renew"]);
  });

  test("is not before, so that a shorter request pays nothing for it", async () => {
    await pass(900);
    await lease.end({ how: "client" });
    await pass(60_000);
    expect(calls).toEqual(["end"]);
  });

  test.each([
    ["cut", "cut"],
    ["freed", "lost"],
  ] as const)("and then %s is told so at once, once", async (why, loss) => {
    await pass(3_000);
    taken.resolve(why);
    await pass(1);
    says = false;
    await pass(60_000);
    expect(losses).toEqual([loss]);
  });

  test("whose request goes on for a moment after it was cut is neither renewed nor lost meanwhile", async () => {
    lease.onLost = (why) => void losses.push(why);
    await pass(9_000);
    taken.resolve("cut");
    says = false;
    await pass(60_000);
    expect(losses).toEqual(["cut"]);
    expect(calls).not.toContain("renew");
  });

  test("attaches again at its next renewal after the object has restarted, and is told of a cut then too", async () => {
    await pass(3_000);
    taken.reject(new Error("the object has restarted"));
    says = new Error("the object has restarted");
    await pass(7_001);
    says = true;
    expect(losses).toEqual([]);
    await pass(10_000);
    expect(calls.slice(-2)).toEqual(["attach", "untilCut"]);
    taken.resolve("cut");
    await pass(1);
    expect(losses).toEqual(["cut"]);
  });

  test("asks its handle again at its next renewal, if only that one call has failed", async () => {
    await pass(3_000);
    taken.reject(new Error("lost on the way"));
    await pass(7_001);
    expect(calls).toEqual(["attach", "untilCut", "renew", "untilCut"]);
  });

  test("tells its end in a message of its own, before the runtime can dispose the handle", async () => {
    hold({ ...GRANTED, tellEnd: "soon" });
    await pass(1_000);
    const ending = lease.end({ how: "done", status: 200 });
    expect(calls.at(-1)).toBe("end");
    await ending;
    expect(calls.at(-1)).toBe("dispose");
  });

  test("that had a handle from the beginning needs no other", async () => {
    await lease.end({ how: "unused" });
    calls = [];
    hold({ ...GRANTED, tellEnd: "alone" }, handle);
    await pass(999);
    expect(calls).toEqual([]);
    await pass(9_002);
    expect(calls).toEqual(["untilCut", "renew"]);
    taken.resolve("cut");
    await pass(1);
    expect(losses).toEqual(["cut"]);
  });

  test("goes by the handle that it was given last", async () => {
    await pass(3_000);
    const before = taken;
    lease.adopt({ ...handle } as never);
    expect(calls.slice(-2)).toEqual(["dispose", "untilCut"]);
    before.resolve("cut");
    await pass(1);
    expect(losses).toEqual([]);
    taken.resolve("cut");
    await pass(1);
    expect(losses).toEqual(["cut"]);
  });
});
