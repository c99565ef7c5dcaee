import { expect, test } from "vitest";
import { sparkline } from "../../../src/cli/terminal/sparkline.ts";

test("the highest number is a full block, none is the lowest one", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█");
  expect(sparkline([0, 500, 1_000])).toBe("▁▅█");
});

test("nothing at all is flat", () => {
  expect(sparkline([0, 0, 0])).toBe("▁▁▁");
  expect(sparkline([])).toBe("");
});
