import { expect, test } from "vitest";
import { printable } from "../../../src/cli/terminal/printable.ts";

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
