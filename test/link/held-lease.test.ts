import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Env } from "../../src/link/env.ts";
import { HeldLease } from "../../src/link/held-lease.ts";
import type { Granted } from "../../src/link/protocol.ts";

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

const stub = {
  attach: async () => {
    if (says instanceof Error) throw says;
    return says ? handle : null;
  },
  end: async () => {},
};
const handle = {
  renew: async () => {
    if (says instanceof Error) throw says;
    return says;
  },
  [Symbol.dispose]: () => {},
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  says = true;
  lost = 0;
  lease = new HeldLease(
    { POOL: { getByName: () => stub } } as unknown as Env,
    { name: "web", locationHint: null },
    "l",
    GRANTED,
  );
  lease.onLost = () => {
    lost++;
    void lease.end({ how: "lost" });
  };
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

test("one that was another's before its holder came back is lost too", async () => {
  says = false;
  await pass(10_001);
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

test("one that has ended is lost to nobody", async () => {
  await lease.end({ how: "client" });
  says = false;
  await pass(60_000);
  expect(lost).toBe(0);
});
