import { describe, expect, test } from "vitest";
import { type Output, printable, styleOf, widthOf } from "../../../src/cli/terminal/output.ts";

/** A terminal with a colour depth of `depth` bits. */
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

describe("text from elsewhere", () => {
  test.each([
    ["an escape sequence", "a\u001b[2Jb", "a?[2Jb"],
    ["its one-character form", "a\u009b2Jb", "a?2Jb"],
    ["a carriage return", "good\rbad", "good?bad"],
    ["a bell and a backspace", "a\u0007\b", "a??"],
    ["a change of direction", "a\u202eb", "a?b"],
    ["what has no width", "a\u200bb\ufeff", "a?b?"],
    ["a line separator", "a\u2028b\u2029", "a?b?"],
  ])("%s is shown as a question mark", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("lines become one, and words in any script stay as they are", () => {
    expect(printable("new\tdisks\nfür Ännchen 日本 ✓")).toBe("new disks für Ännchen 日本 ✓");
  });
});
