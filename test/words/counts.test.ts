import { expect, test } from "vitest";
import { counted, listed } from "../../src/words/counts.ts";

test("one is not many", () => {
  expect([counted(0, "slot"), counted(1, "slot"), counted(1_200, "slot")]).toEqual([
    "0 slots",
    "1 slot",
    "1,200 slots",
  ]);
});

test("a long list of names says how many it leaves out", () => {
  expect(listed(["a"])).toBe("a");
  expect(listed(["a", "b", "c", "d"])).toBe("a, b, c and d");
  expect(listed(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
});
