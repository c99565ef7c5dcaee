import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Ticket } from "../../../src/scheduler/waiting/ticket.ts";
import { WaitingList } from "../../../src/scheduler/waiting/waiting-list.ts";

const TIMEOUT_MS = 1_000;
/** Far ahead: the later the date, the fewer fractions of a ms a double can tell apart. */
const NOW = Date.parse("2100-01-01T00:00:00.000Z");

/** Tickets that were told these tokens come back. */
function listOf(tokens: number[]): WaitingList {
  const list = new WaitingList(TIMEOUT_MS, null);
  for (const token of tokens) list.enter({ id: `t${token}`, token }, token);
  return list;
}

function shiftAll(list: WaitingList): { id: string; token: number }[] {
  const order: { id: string; token: number }[] = [];
  const slot = { flow: null, since: 0, charged: null, heldMs: 0, countedAt: 0 };
  for (let next = list.shift(slot); next; next = list.shift(slot)) order.push(next);
  return order;
}

const tokensOf = (tickets: { token: number }[]) => tickets.map(({ token }) => token);
const idsOf = (tickets: { id: string }[]) => tickets.map(({ id }) => id);

describe("the waiting list", () => {
  test("serves by token, in whatever order tickets come back, without those who left", () => {
    const tickets = fc.uniqueArray(fc.nat(10_000), { maxLength: 300 });
    fc.assert(
      fc.property(tickets, fc.array(fc.nat()), (tokens, leavers) => {
        const list = listOf(tokens);
        const gone = new Set(leavers.map((n) => tokens[n % (tokens.length || 1)]));
        for (const token of gone) list.leave(`t${token}`);
        const left = tokens.filter((token) => !gone.has(token)).sort((a, b) => a - b);
        expect(list.length).toBe(left.length);
        expect(list.head()?.token).toBe(left[0]);
        expect(tokensOf(shiftAll(list))).toEqual(left);
        expect(list.length).toBe(0);
      }),
    );
  });

  test("leaving twice, or without having come, changes nothing", () => {
    const list = listOf([1, 2]);
    expect(list.leave("t1")?.token).toBe(1);
    expect(list.leave("t1")).toBeUndefined();
    expect(list.leave("nobody")).toBeUndefined();
    expect(tokensOf(shiftAll(list))).toEqual([2]);
  });

  test("gives up those who have waited their time, and only those", () => {
    const list = new WaitingList(TIMEOUT_MS, null);
    list.enter({ id: "late", token: 1 }, 500);
    list.enter({ id: "soon", token: 2, waitedMs: 50 }, 150);
    expect(list.nextDeadline()).toBe(1_100);
    expect(list.takeExpired(1_099)).toBeUndefined();
    expect(list.takeExpired(1_100)?.id).toBe("soon");
    expect(list.takeExpired(1_100)).toBeUndefined();
    expect(list.nextDeadline()).toBe(1_500);
    expect(idsOf(shiftAll(list))).toEqual(["late"]);
    expect(list.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("lets 100,000 enter, half of them leave from the middle, and serves the rest in order", () => {
    const list = listOf(Array.from({ length: 100_000 }, (_, n) => n));
    for (let n = 99_999; n > 0; n -= 2) list.leave(`t${n}`);
    expect(list.length).toBe(50_000);
    expect(tokensOf(shiftAll(list))).toEqual(Array.from({ length: 50_000 }, (_, n) => 2 * n));
  });
});

describe("deferred requests", () => {
  const request = fc.record({
    token: fc.nat(1_000),
    waitedMs: fc.nat(2 * TIMEOUT_MS),
    /** Direct: none. */
    expiresInMs: fc.option(fc.nat(2 * TIMEOUT_MS), { nil: undefined }),
    leaves: fc.boolean(),
  });
  const requests = fc.uniqueArray(request, { maxLength: 60, selector: ({ token }) => token });
  type Entered = { id: string; token: number; isDeferred: boolean; since: number; deadline: number };

  /** All come at `NOW`; returns those that stay. */
  function enter(all: readonly (typeof request extends fc.Arbitrary<infer T> ? T : never)[]) {
    const list = new WaitingList(TIMEOUT_MS, null);
    const entered = all.map(({ token, waitedMs, expiresInMs, leaves }): Entered & { leaves: boolean } => {
      const id = `t${token}`;
      const isDeferred = expiresInMs !== undefined;
      list.enter({ id, token, waitedMs, ...(isDeferred ? { expiresAt: NOW + expiresInMs } : {}) }, NOW);
      const since = NOW - waitedMs;
      return {
        id,
        token,
        isDeferred,
        since,
        deadline: isDeferred ? NOW + expiresInMs : since + TIMEOUT_MS,
        leaves,
      };
    });
    for (const { id, leaves } of entered) if (leaves) list.leave(id);
    const stay: Entered[] = entered
      .filter(({ leaves }) => !leaves)
      .sort((one, other) => one.token - other.token);
    return { list, stay };
  }

  test("stand on one list with direct ones, by their tokens; each knows its place", () => {
    fc.assert(
      fc.property(requests, (all) => {
        const { list, stay } = enter(all);
        expect(idsOf(list.inOrder())).toEqual(idsOf(stay));
        const places = stay.map(({ id }) => list.ahead(list.get(id) as Ticket));
        expect(places).toEqual(stay.map((_, n) => n));
        expect(idsOf(shiftAll(list))).toEqual(idsOf(stay));
        expect([list.length, list.deferred, list.nextExpiry()]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
      }),
    );
  });

  test("are counted apart, and none of them is the oldest", () => {
    fc.assert(
      fc.property(requests, (all) => {
        const { list, stay } = enter(all);
        const direct = stay.filter(({ isDeferred }) => !isDeferred);
        expect([list.length, list.direct, list.deferred]).toEqual([
          stay.length,
          direct.length,
          stay.length - direct.length,
        ]);
        const oldest = Math.min(...direct.map(({ since }) => since));
        expect(list.oldest()?.since ?? Number.POSITIVE_INFINITY).toBe(oldest);
      }),
    );
  });

  test("are given up each at its own time, direct ones after the timeout, and the list knows when the next is", () => {
    fc.assert(
      fc.property(requests, fc.nat(2 * TIMEOUT_MS), (all, laterMs) => {
        const { list, stay } = enter(all);
        const now = NOW + laterMs;
        const late = stay.filter(({ deadline }) => deadline <= now);
        const expired: string[] = [];
        for (let next = list.takeExpired(now); next; next = list.takeExpired(now)) expired.push(next.id);
        expect(expired.sort()).toEqual(idsOf(late).sort());
        const rest = stay.filter(({ deadline }) => deadline > now);
        const deadlines = (some: Entered[]) => Math.min(...some.map(({ deadline }) => deadline));
        expect(list.nextDeadline()).toBe(deadlines(rest));
        expect(list.nextExpiry()).toBe(deadlines(rest.filter(({ isDeferred }) => isDeferred)));
        expect(idsOf(shiftAll(list))).toEqual(idsOf(rest));
      }),
    );
  });
});

describe("a new ticket's token", () => {
  let list: WaitingList;
  beforeEach(() => {
    list = new WaitingList(TIMEOUT_MS, null);
  });
  const enter = (id: string, now: number) => list.enter({ id }, now).ticket.token;

  test("is the moment of its arrival, and rises by less than a millisecond with each of the same", () => {
    const tokens = Array.from({ length: 500 }, (_, n) => enter(`t${n}`, NOW));
    expect(tokens[0]).toBe(NOW);
    expect(tokens.every((token, n) => n === 0 || token > (tokens[n - 1] as number))).toBe(true);
    expect(tokens.at(-1)).toBeLessThan(NOW + 1);
    expect(enter("next", NOW + 1)).toBe(NOW + 1);
  });

  test("rises even while the clock is set back", () => {
    const tokens = [NOW, NOW - 60_000, NOW - 59_000].map((now, n) => enter(`t${n}`, now));
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(3);
  });

  test("is behind those that an earlier instance told, though its clock was ahead", () => {
    list = new WaitingList(TIMEOUT_MS, NOW);
    list.enter({ id: "told", token: NOW + 5_000 }, NOW);
    enter("new", NOW + 1);
    expect(idsOf(shiftAll(list))).toEqual(["told", "new"]);
  });
});

describe("a ticket that was told no token", () => {
  test("goes by how long it has waited, among those that were told and those that are new", () => {
    const list = new WaitingList(TIMEOUT_MS, NOW);
    list.enter({ id: "new" }, NOW + 5);
    list.enter({ id: "20 before, told", token: NOW - 20 }, NOW + 10);
    list.enter({ id: "10 before", waitedMs: 20 }, NOW + 10);
    list.enter({ id: "15 before, told", token: NOW - 15 }, NOW + 10);
    list.enter({ id: "30 before", waitedMs: 41 }, NOW + 11);
    expect(idsOf(shiftAll(list))).toEqual([
      "30 before",
      "20 before, told",
      "15 before, told",
      "10 before",
      "new",
    ]);
  });

  test("moves no later arrival behind the clock", () => {
    const list = new WaitingList(TIMEOUT_MS, NOW);
    list.enter({ id: "old", waitedMs: 500 }, NOW);
    expect(list.enter({ id: "new" }, NOW).ticket.token).toBe(NOW);
  });
});

describe("through restarts", () => {
  /** How long each of three instances lives. */
  const LIFE_MS = 10;
  const request = fc.record({
    /** When it first arrives. */
    at: fc.nat(3 * LIFE_MS - 1),
    /** How long after a restart it is back. */
    backAfterMs: fc.tuple(fc.nat(LIFE_MS - 1), fc.nat(LIFE_MS - 1), fc.nat(LIFE_MS - 1)),
    /** How long it waits until it is told its token, if the instance lives that long. */
    toldAfterMs: fc.nat(2 * LIFE_MS),
  });

  test("nobody goes before who came a millisecond earlier, in whatever order they are back, told a token or not", () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40, size: "max" }), (requests) => {
        const tokens = new Map<string, number>();
        let list = new WaitingList(TIMEOUT_MS, null);
        for (const instance of [0, 1, 2] as const) {
          const startedAt = instance * LIFE_MS;
          const endsAt = startedAt + LIFE_MS;
          list = new WaitingList(TIMEOUT_MS, NOW + startedAt);
          const coming = requests
            .map(({ backAfterMs, ...one }, n) => {
              const comesAt = one.at < startedAt ? startedAt + backAfterMs[instance] : one.at;
              return { ...one, id: `t${n}`, comesAt };
            })
            .filter(({ comesAt }) => comesAt < endsAt)
            .sort((one, other) => one.comesAt - other.comesAt);
          for (const { id, at, comesAt, toldAfterMs } of coming) {
            const token = tokens.get(id);
            const told = token === undefined ? {} : { token };
            const { ticket } = list.enter({ id, waitedMs: comesAt - at, ...told }, NOW + comesAt);
            if (comesAt + toldAfterMs < endsAt) tokens.set(id, ticket.token);
          }
        }
        const arrivals = requests.map(({ at }) => at);
        const served = idsOf(shiftAll(list)).map((id) => arrivals[Number(id.slice(1))]);
        expect(served).toEqual(arrivals.toSorted((one, other) => one - other));
      }),
      { numRuns: 500 },
    );
  });
});

describe("a ticket arrives as", () => {
  const retry = { server: "a", restMs: 0, avoid: false };

  test.each([
    ["new", {}],
    // Its pool was there all the time, and out of its reach.
    ["new", { waitedMs: 10 }],
    ["returned", { waitedMs: 11 }],
    ["returned", { token: NOW + 5 }],
    ["retry", { token: NOW - 5, retry }],
    ["retry", { retry }],
  ] as const)("%s: %j, ten milliseconds after a restart", (arrival, request) => {
    const list = new WaitingList(TIMEOUT_MS, NOW);
    expect(list.enter({ id: "t", ...request }, NOW + 10).arrival).toBe(arrival);
  });

  test("new, however long it has waited, where there was no instance before", () => {
    const list = new WaitingList(TIMEOUT_MS, null);
    expect(list.enter({ id: "t", waitedMs: 5_000 }, NOW).arrival).toBe("new");
  });
});
