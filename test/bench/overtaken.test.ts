import { expect, test } from "vitest";
import { BATCH, overtaken } from "../../bench/scenarios/waiting/clients.ts";

const SLOTS = 64;
const inOrder = Array.from({ length: 10 * BATCH }, (_, n) => n);

test("nobody is overtaken where all come in order", () => {
  expect(overtaken(inOrder, SLOTS)).toBe(0);
});

test("those under way at once may arrive in any order", () => {
  const order = inOrder.flatMap((n) => (n % SLOTS === 0 ? inOrder.slice(n, n + SLOTS).reverse() : []));
  expect(overtaken(order, SLOTS)).toBe(0);
});

test("one that comes much later than one of a later batch was overtaken", () => {
  const [first, ...rest] = inOrder;
  expect(overtaken([...rest, first as number], SLOTS)).toBe(1);
});

test("a list that is served last in, first out has all but its ends overtaken", () => {
  expect(overtaken(inOrder.toReversed(), SLOTS)).toBe(9 * BATCH);
});
