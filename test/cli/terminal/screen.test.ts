import { expect, test } from "vitest";
import { isQuit } from "../../../src/cli/terminal/screen.ts";

test.each(["q", "Q", "\x03", "\x04", "\x1b", "\x03\x03", "xq", "\x1b\x1b"])("%j quits", (keys) => {
  expect(isQuit(keys)).toBe(true);
});

test.each(["x", "\x1b[A", "\x1b[A\x1b[B", "\x1b[1;5C"])("%j is nothing to quit for", (keys) => {
  expect(isQuit(keys)).toBe(false);
});
