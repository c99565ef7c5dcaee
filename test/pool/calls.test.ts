import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Lease,
  type PoolCalls,
  PROTOCOL,
  type WaitingTicket,
  type Watch,
} from "../../src/link/protocol.ts";
import type { ShardCalls } from "../../src/link/shards.ts";
import { LeaseHandle, Pool, PoolObject, TicketHandle, WatchHandle } from "../support/pool-object.ts";

/** Each method of an interface of the protocol, no more and no less, as the types are checked. */
type Named<Interface> = Record<Exclude<Extract<keyof Interface, string>, `__${string}_BRAND`>, true>;

const CALLS: Named<PoolCalls> = {
  enter: true,
  leave: true,
  end: true,
  attach: true,
  freeServer: true,
  defer: true,
  deferAgain: true,
  deferredEnded: true,
  withdrawDeferred: true,
  forgetDeferred: true,
  placeOf: true,
  listDeferred: true,
  snapshot: true,
  watch: true,
  metrics: true,
  drain: true,
  stop: true,
  resume: true,
  whenDrained: true,
  changeServer: true,
  freeLease: true,
  auditDeferred: true,
  audit: true,
  register: true,
  deregister: true,
  whenIdle: true,
};
const OF_SHARD: Named<ShardCalls> = {
  report: true,
  obey: true,
  wantRoom: true,
  sendOn: true,
  borrow: true,
  view: true,
  counts: true,
  freeHere: true,
};
const OF_TICKET: Named<WaitingTicket> = { turn: true, leave: true };
const OF_LEASE: Named<Lease> = { renew: true, untilCut: true };
const OF_WATCH: Named<Watch> = { look: true };

/** By the platform, and no message of a Worker's. */
const PLATFORMS = ["constructor", "alarm"];

/** What RPC lets through: all that stands on the prototype and is not private to the language. */
const offeredBy = (offers: { prototype: object }) => Object.getOwnPropertyNames(offers.prototype).sort();

describe("the protocol names all that Workers can call:", () => {
  test("the object offers that, and nothing else", () => {
    expect(offeredBy(Pool)).toEqual([...Object.keys(CALLS), ...Object.keys(OF_SHARD), ...PLATFORMS].sort());
  });

  test.each([
    ["a ticket's", TicketHandle, OF_TICKET],
    ["a lease's", LeaseHandle, OF_LEASE],
    ["a watcher's", WatchHandle, OF_WATCH],
  ])("%s handle offers its calls, and nothing else", (_, handle, calls) => {
    expect(offeredBy(handle)).toEqual([...Object.keys(calls), "constructor"].sort());
  });

  test("what repeating a call does stands in the document of the protocol", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
    const firstCells = text.split("\n").map((line) => /^\| (`[^|]+`) \|/.exec(line)?.[1] ?? "");
    const told = firstCells.flatMap((cell) => cell.match(/\w+/g) ?? []);
    expect(told).toEqual(expect.arrayContaining([...Object.keys(CALLS), ...Object.keys(OF_LEASE)]));
  });
});

describe("a Worker of a version", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each([PROTOCOL - 2, PROTOCOL + 2])(
    "two away (%i) is refused, and its request is not counted",
    (protocol) => {
      const object = new PoolObject();
      expect(() => object.pool.enter({ protocol, id: "a" })).toThrow(
        `protocol ${protocol} is not spoken here`,
      );
      vi.advanceTimersByTime(1_000);
      expect(object.snapshot()).toMatchObject({ queued: 0, inFlight: 0, totals: { accepted: 0 } });
    },
  );

  test.each([PROTOCOL - 1, PROTOCOL, PROTOCOL + 1])(
    "at most one away (%i) is given a slot",
    async (protocol) => {
      const object = new PoolObject();
      const answer = object.pool.enter({ protocol, id: "a" });
      vi.advanceTimersByTime(0);
      expect(await answer).toMatchObject({ granted: true, server: { name: "web-1" } });
    },
  );
});
