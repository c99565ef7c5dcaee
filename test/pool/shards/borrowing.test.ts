import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Env } from "../../../src/link/env.ts";
import type { Granted } from "../../../src/link/protocol.ts";
import { Deferral } from "../../../src/pool/deferral.ts";
import type { DeferredLedger, DeferredRow } from "../../../src/pool/deferred-ledger.ts";
import type { LeaseHandles } from "../../../src/pool/lease-handles.ts";
import type { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { settings } from "../../scheduler/settings.ts";

const ID = "0".repeat(96);
const ROW: DeferredRow = {
  ...{ number: 1, id: ID, ticket: "t", token: 1, since: 0, expiresAt: 60_000 },
  ...{ hashKey: null, flow: null, aheadMs: 0, refused: null, lender: null },
};
const GRANTED: Granted = {
  granted: true,
  ...{ server: { name: "a", url: "http://a.example", binding: null }, token: 1, tellEnd: "alone" },
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "Date"] });
  // The platform's own, which Node has elsewhere.
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) });
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

type Answer = "begun" | "waiting" | Error;

/** The first shard's list with a request that waits, and a shard that lends. `turns`: what its object answers, one after the other. */
function withLender(turns: Answer[] = ["begun"], borrows: (typeof GRANTED | Error)[] = [GRANTED]) {
  const waiting = new Set(["t"]);
  const told: string[] = [];
  const orThrow = <T>(answer: T | Error): T => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const lender = {
    borrow: async () => {
      told.push("asked for a slot");
      return orThrow(borrows.shift() ?? null);
    },
    end: async () => void told.push("the slot's lease has ended"),
  };
  const object = {
    turn: async (_: string, turn: unknown) => {
      told.push(turn ? "offered the slot" : "asked what became of it");
      return orThrow(turns.shift() ?? "begun");
    },
  };
  const env = {
    POOL: { getByName: () => lender },
    DEFERRED: { idFromString: (text: string) => text, get: () => object },
  };
  const scheduler = {
    isQueued: (id: string) => waiting.has(id),
    isLeased: () => false,
    lent: (id: string) => waiting.delete(id),
    enter: ({ id }: { id: string }) => void waiting.add(id),
  };
  const deferral = new Deferral(
    { env: env as unknown as Env, pool: settings({ deferred: {}, shards: 2 }) },
    scheduler as unknown as Scheduler,
    { update: () => {} } as unknown as DeferredLedger,
    {} as LeaseHandles,
    [{ ...ROW }],
    { write: (changes) => changes(), changed: () => {} },
  );
  return { deferral, told, waiting };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("a deferred request that has borrowed a slot by then does not ask for it again, which would give it back", async () => {
  const { deferral, told } = withLender();
  await deferral.borrow("t", 1);
  await deferral.borrow("t", 1);
  expect(told.filter((one) => one !== "offered the slot")).toEqual(["asked for a slot"]);
});

test("its object is asked again what became of a borrowed slot, as nobody else would say that it was lost", async () => {
  const { deferral, told } = withLender();
  await deferral.borrow("t", 1);
  await pass(0);
  deferral.look();
  await pass(0);
  expect(told).toEqual(["asked for a slot", "offered the slot", "asked what became of it"]);
});

test("a borrowed slot is offered once: it may be lost by the time at which the object is reached", async () => {
  const { deferral, told, waiting } = withLender([new Error("not reached"), "waiting"]);
  await deferral.borrow("t", 1);
  await pass(1_000);
  expect(told).toEqual([
    "asked for a slot",
    "offered the slot",
    "asked what became of it",
    "the slot's lease has ended",
  ]);
  // It waits again, by another ticket.
  expect([waiting.has("t"), waiting.size]).toEqual([false, 1]);
});

test("a slot whose loan was not answered is given back, by a ticket that no instance asks for again", async () => {
  const { deferral, told, waiting } = withLender([], [new Error("the answer is lost")]);
  await deferral.borrow("t", 1);
  expect(told).toEqual(["asked for a slot", "the slot's lease has ended"]);
  expect([waiting.has("t"), waiting.size]).toEqual([false, 1]);
});
