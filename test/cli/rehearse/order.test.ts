import { expect, test } from "vitest";
import { beforeTheirTurn, overtaken } from "../../../src/cli/rehearse/order.ts";

const sent = (...times: number[]) => times.map((sentAt, number) => ({ number, sentAt }));

test("queries that began as they were sent were not overtaken", () => {
  expect(overtaken(sent(0, 400, 800, 1_200))).toBe(0);
});

test("queries that were sent at about the same time may begin in any order", () => {
  expect(overtaken(sent(500, 0, 100, 900, 400))).toBe(0);
});

test("a query is overtaken by one that was sent clearly later", () => {
  expect(overtaken(sent(0, 600, 99))).toBe(1);
});

test("each overtaken query counts, however many overtook it", () => {
  expect(overtaken(sent(5_000, 6_000, 0, 100, 7_000))).toBe(2);
});

test("a query that began twice, the second time late, counts once", () => {
  const again = { number: 0, sentAt: 0 };
  expect(overtaken([again, { number: 1, sentAt: 900 }, again, again])).toBe(1);
});

test("a query that never began overtakes nobody", () => {
  expect(overtaken([])).toBe(0);
});

test("requests that get a slot at the same time may begin in any order", () => {
  expect(beforeTheirTurn([3, 1, 2, 6, 5, 4], 3)).toBe(0);
});

test("a request goes before its turn if as many are ahead of it as there are slots", () => {
  expect(beforeTheirTurn([4, 1, 2, 3], 3)).toBe(1);
  expect(beforeTheirTurn([4, 1, 2, 3], 4)).toBe(0);
});

test("a request that begins late lets others pass as long as it has one of the slots", () => {
  expect(beforeTheirTurn([2, 3, 4, 5, 6, 1], 2)).toBe(0);
});

test("last come, first served is before the turn of all but the last few", () => {
  expect(beforeTheirTurn([6, 5, 4, 3, 2, 1], 2)).toBe(4);
});

test("a request that begins again is judged by its first beginning", () => {
  expect(beforeTheirTurn([1, 2, 3, 4, 1, 1], 2)).toBe(0);
});
