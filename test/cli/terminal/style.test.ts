import { describe, expect, test } from "vitest";
import { type Output, styleOf, widthOf } from "../../../src/cli/terminal/style.ts";

/** A terminal of so many colours, given in bits. */
function terminal(depth: number, columns?: number): Output {
  return { isTTY: true, columns, getColorDepth: () => depth } as unknown as Output;
}
const PIPE = {} as Output;
const RED = "\u001b[31mx\u001b[39m";

describe("colours", () => {
  test.each([
    ["a terminal that has them", terminal(4), {}, RED],
    ["a terminal that has none", terminal(1), {}, "x"],
    ["a pipe", PIPE, {}, "x"],
    ["a pipe where they are forced", PIPE, { FORCE_COLOR: "1" }, RED],
    ["a pipe where they are forced off", PIPE, { FORCE_COLOR: "0" }, "x"],
    ["a pipe where they are forced and unwanted", PIPE, { FORCE_COLOR: "1", NO_COLOR: "1" }, "x"],
  ])("on %s", (_, output, env, shown) => {
    expect(styleOf(output, env)("red", "x")).toBe(shown);
  });

  test("the terminal itself is asked, with the environment's wishes", () => {
    const env = { NO_COLOR: "1" };
    const asked: unknown[] = [];
    const output = { isTTY: true, getColorDepth: (given: unknown) => asked.push(given) };
    styleOf(output as unknown as Output, env);
    expect(asked).toEqual([env]);
  });
});

describe("the width of a line", () => {
  test.each([
    ["is the terminal's", terminal(4, 132), 132],
    ["is 80 where the terminal does not know", terminal(4, 0), 80],
    ["has no end in a pipe", PIPE, Number.POSITIVE_INFINITY],
  ])("%s", (_, output, width) => {
    expect(widthOf(output)).toBe(width);
  });
});
