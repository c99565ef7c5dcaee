import { expect, test } from "vitest";
import { overtaken } from "../../demo/order.ts";

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
