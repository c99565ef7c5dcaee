import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Line, type PassableLease, Place } from "../../src/link/line.ts";

const DONE = { how: "done", status: 200 } as const;

let line: Line;
/** The tickets that were given a lease, in order. */
let given: string[];

beforeEach(() => {
  vi.useFakeTimers();
  line = new Line();
  given = [];
});
afterEach(() => void vi.useRealTimers());

function lease(changes: Partial<PassableLease> = {}): PassableLease {
  const server = { name: "a", url: "http://a.example", binding: null };
  const now = Date.now();
  return {
    ...{ id: "l", server, tellEnd: "at once" as const, hop: 0, version: 5 },
    ...{ passUntil: now + 10_000, renewedAt: now },
    ...changes,
  };
}

/** A request that waits for a minute at most. `aheadMs`: by how much it goes ahead. */
function enter(ticket: string, waitsForMs = 60_000, aheadMs = 0): { place: Place; call: number } {
  const now = Date.now();
  const times = { due: now - aheadMs, until: now + waitsForMs };
  const place = new Place(ticket, times, () => given.push(ticket));
  return { place, call: line.enter(place).call };
}

const hear = (calls: number[], { version = 6, notBefore = 5 } = {}) =>
  line.hear({ version, calls, notBefore });
const passed = (one = lease()) => line.pass(one, DONE)?.to.ticket ?? null;

describe("a lease is passed on", () => {
  test("to those that the pool has named, in its order, and to nobody else", () => {
    const [a, b] = [enter("a"), enter("b")];
    enter("c");
    hear([b.call, a.call]);
    expect([passed(), passed(), passed()]).toEqual(["b", "a", null]);
    expect(given).toEqual(["b", "a"]);
  });

  test("with its id, and one hop further", () => {
    const { call } = enter("a");
    hear([call]);
    const pass = line.pass(lease({ hop: 3 }), DONE);
    expect(pass).toMatchObject({ lease: { id: "l", hop: 4 }, end: DONE, at: Date.now() });
  });

  test("to nobody who has left, or asks again by another call", () => {
    const [a, b, c] = [enter("a"), enter("b"), enter("c")];
    hear([a.call, b.call, c.call]);
    line.leave(a.place);
    line.enter(b.place);
    expect(passed()).toBe("c");
  });

  test("to nobody before one that goes ahead and that the pool did not know of when it named them", () => {
    const [a, b] = [enter("a"), enter("b")];
    const ahead = enter("ahead", 60_000, 500);
    hear([a.call, b.call]);
    expect(passed()).toBeNull();
    hear([ahead.call, a.call], { version: 7 });
    expect([passed(), passed()]).toEqual(["ahead", "a"]);
    hear([b.call], { version: 8 });
    expect(passed()).toBe("b");
  });

  test("to those that the pool has named once one that goes ahead has left", () => {
    const { call } = enter("a");
    const ahead = enter("ahead", 60_000, 500);
    line.leave(ahead.place);
    hear([call]);
    expect(passed()).toBe("a");
  });

  test("to nobody whose wait is about to end: the pool may be refusing it", () => {
    const [a, b] = [enter("a", 50), enter("b")];
    hear([a.call, b.call]);
    expect(passed()).toBeNull();
    expect(given).toEqual([]);
  });

  test("no longer than is permitted", () => {
    const { call } = enter("a");
    hear([call]);
    const one = lease({ passUntil: Date.now() + 1_000 });
    vi.advanceTimersByTime(1_000);
    expect(passed(one)).toBeNull();
  });

  test("not if it was granted before a recall", () => {
    const [a, b] = [enter("a"), enter("b")];
    hear([a.call]);
    hear([a.call, b.call], { version: 8, notBefore: 7 });
    expect(passed(lease({ version: 6 }))).toBeNull();
    expect(passed(lease({ version: 7 }))).toBe("a");
  });

  test("not past a retry that has waited for longer than those whom the pool has named", () => {
    const { call } = enter("a");
    hear([call]);
    line.overtaken();
    expect(passed()).toBeNull();
    hear([call], { version: 7 });
    expect(passed()).toBe("a");
  });
});

test("an answer that was overtaken by a later one says nothing any more", () => {
  const [a, b] = [enter("a"), enter("b")];
  hear([b.call], { version: 9, notBefore: 8 });
  hear([a.call, b.call], { version: 8, notBefore: 5 });
  expect(passed(lease({ version: 7 }))).toBeNull();
  expect(passed(lease({ version: 8 }))).toBe("b");
  expect(passed(lease({ version: 8 }))).toBeNull();
});

describe("a request that was given a lease", () => {
  test("takes it once", () => {
    const { place, call } = enter("a");
    expect(place.take()).toBe(false);
    hear([call]);
    line.pass(lease(), DONE);
    expect([place.state, place.take(), place.state, place.take()]).toEqual(["given", true, "served", false]);
  });

  test("does not take it once it was given to somebody else", () => {
    const { place, call } = enter("a");
    hear([call]);
    line.pass(lease(), DONE);
    place.state = "missed";
    expect(place.take()).toBe(false);
  });

  test("waits again once it was too late, at its old place", () => {
    const [a, b] = [enter("a"), enter("b")];
    hear([a.call, b.call]);
    line.pass(lease(), DONE);
    a.place.state = "missed";
    line.back(a.place);
    hear([a.call, b.call], { version: 7 });
    expect([passed(), passed()]).toEqual(["a", "b"]);
  });
});
