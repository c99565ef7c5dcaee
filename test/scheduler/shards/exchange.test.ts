import { describe, expect, test } from "vitest";
import { Exchange } from "../../../src/scheduler/shards/exchange.ts";

const FRESH_MS = 2_000;
const want = (shard: number, count: number, since: number) => ({ shard, count, since });

describe("requests that wait at one shard are sent to another one", () => {
  test("as many as have room there, whichever is told first", () => {
    const exchange = new Exchange();
    expect(exchange.wants(want(1, 3, 10), 100)).toEqual([]);
    expect(exchange.hasRoom(2, 2, 100)).toEqual([{ from: 1, to: 2, count: 2 }]);
    expect(exchange.hasRoom(3, 2, 100)).toEqual([{ from: 1, to: 3, count: 1 }]);
    expect(exchange.wants(want(4, 5, 20), 100)).toEqual([{ from: 4, to: 3, count: 1 }]);
  });

  test("those who have waited longest first", () => {
    const exchange = new Exchange();
    exchange.wants(want(1, 1, 30), 100);
    exchange.wants(want(2, 1, 10), 100);
    exchange.wants(want(3, 1, 20), 100);
    expect(exchange.hasRoom(0, 2, 100).map(({ from }) => from)).toEqual([2, 3]);
  });

  test("but not to their own", () => {
    const exchange = new Exchange();
    exchange.wants(want(1, 1, 10), 100);
    expect(exchange.hasRoom(1, 1, 100)).toEqual([]);
  });
});

test("shards are asked to tell of room only while somebody wants it", () => {
  const exchange = new Exchange();
  expect(exchange.isWanted(0)).toBe(false);
  exchange.wants(want(1, 1, 0), 0);
  exchange.wants(want(2, 1, 0), 0);
  expect(exchange.isWanted(FRESH_MS)).toBe(true);
  exchange.wants(want(1, 0, 0), 0);
  expect(exchange.isWanted(0)).toBe(true);
  exchange.wants(want(2, 0, 0), 0);
  expect(exchange.isWanted(0)).toBe(false);
});

test("what a shard has said is forgotten if it says no more", () => {
  const exchange = new Exchange();
  exchange.wants(want(1, 1, 0), 0);
  expect(exchange.isWanted(FRESH_MS + 1)).toBe(false);
  expect(exchange.hasRoom(2, 1, FRESH_MS + 1)).toEqual([]);
  expect(exchange.wants(want(1, 1, 0), 2 * FRESH_MS + 2)).toEqual([]);
  exchange.hasRoom(2, 0, 2 * FRESH_MS + 2);
  expect(exchange.wants(want(3, 1, 0), 2 * FRESH_MS + 2)).toEqual([]);
});

describe("a shard whose room was given away", () => {
  const SENT_MS = 20;

  test("is asked again, once, after a moment in which those that were sent there come", () => {
    const exchange = new Exchange();
    exchange.hasRoom(2, 2, 0);
    expect(exchange.askAt(0)).toBe(Number.POSITIVE_INFINITY);
    exchange.wants(want(1, 3, 0), 0);
    expect(exchange.askAt(0)).toBe(SENT_MS);
    expect(exchange.toAsk(SENT_MS - 1)).toEqual([]);
    expect(exchange.toAsk(SENT_MS)).toEqual([2]);
    expect(exchange.toAsk(SENT_MS)).toEqual([]);
    expect(exchange.askAt(SENT_MS)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is not asked if it has said how much it has since, or nobody wants any", () => {
    const exchange = new Exchange();
    exchange.wants(want(1, 3, 0), 0);
    exchange.hasRoom(2, 1, 0);
    exchange.hasRoom(2, 0, 1);
    expect(exchange.askAt(1)).toBe(Number.POSITIVE_INFINITY);
    exchange.hasRoom(3, 2, 1);
    expect(exchange.askAt(1)).toBe(Number.POSITIVE_INFINITY);
  });
});
