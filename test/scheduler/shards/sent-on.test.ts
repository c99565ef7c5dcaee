import { describe, expect, test } from "vitest";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import type { TicketRequest } from "../../../src/scheduler/waiting/ticket.ts";
import { DONE } from "../ends.ts";
import { serverAt, settings } from "../settings.ts";

const NOW = 1_000_000;

/** A shard that has the server `a` of the pool, with one slot. */
class Shard {
  readonly scheduler: Scheduler;

  constructor(shard: number, limits: Record<string, unknown> = {}) {
    const orders = { version: 1, shards: 2, owned: [], leaving: [] };
    const options = {
      holding: { orders, isMember: true },
      follows: shard > 0,
      othersAreQuiet: () => true,
      othersAreAvailable: () => true,
      isElsewhere: () => false,
    };
    const servers = [{ name: "a", url: "http://a.example" }];
    const keys = settings({ shards: 2, servers, ...limits });
    this.scheduler = new Scheduler(keys, null, NOW, () => 0, undefined, options);
    const owned = new Set([serverAt("a").identity]);
    this.scheduler.assign({ owned, wanted: null, drain: null }, NOW);
  }

  enter(id: string, wants: Partial<TicketRequest> = {}): void {
    this.scheduler.enter({ id, caller: { isolate: "one", call: Number(id) }, ...wants }, NOW);
  }

  get accepted(): number {
    return this.scheduler.totals.accepted;
  }
}

describe("a request that is sent on to another shard", () => {
  test("was accepted where it came first, and nowhere else", () => {
    const [from, to] = [new Shard(0), new Shard(1)];
    from.enter("1");
    from.enter("2");
    from.scheduler.sendOn(1, 1, NOW);
    to.enter("2", { sentOn: true });
    expect([from.accepted, to.accepted]).toEqual([2, 0]);
  });

  test("is counted although it was passed a lease at the same moment, and never comes there", () => {
    const shard = new Shard(0);
    shard.enter("1");
    shard.enter("2");
    shard.scheduler.sendOn(1, 1, NOW);
    shard.scheduler.passed({ lease: "1", server: "a", hop: 1, end: DONE, to: "2", agoMs: 0 }, "one", NOW);
    shard.scheduler.end("1", DONE, NOW, 1);
    expect(shard.scheduler.totals).toMatchObject({ accepted: 2, completed: 2 });
  });
});

describe("a request that has waited for long", () => {
  const wants = (limits: Record<string, unknown>) => {
    const { scheduler } = new Shard(0, limits);
    for (const id of ["1", "2"]) scheduler.enter({ id, flow: "f" }, NOW);
    return [scheduler.longWaits(100, NOW + 100)?.count ?? 0, scheduler.sendOn(1, 1, NOW + 100)];
  };

  test("is to go where there is room", () => {
    expect(wants({ flow: "address" })).toEqual([1, 1]);
  });

  test.each(["max_queue_per_flow", "max_in_flight_per_flow"])(
    "stays where those of its flow are counted, and asks for no room, with %s",
    (key) => {
      expect(wants({ flow: "address", [key]: 10 })).toEqual([0, 0]);
    },
  );
});
