import { describe, expect, test } from "vitest";
import { findingsOf } from "./support.ts";

describe("a file that cannot be parsed is one error, with its line:", () => {
  test.each([
    ["toml", "a = 1\nb = = 2\nc = 3", 2],
    ["toml", "a = 1\na = 2", 2],
    ["toml", "[a]\nb = 1\n[a]\n", 3],
    ["toml", 'a = "x\nb = 1', 1],
    ["toml", "a = \n", 1],
    ["toml", "x = 1\na =\n# one more\n\nb = 2", 2],
    ["toml", "a = {b = 1\nc = 2", 1],
    ["toml", "a = 1\n\n= 2", 3],
    ["json", '{\n"a": 1\n"b": 2 }', 3],
    ["json", '{\n"a": ', 2],
    ["json", "", 1],
    ["json", "[]", 1],
    ["json", "{} x", 1],
  ] as const)("%s %j", (kind, text, line) => {
    const [finding, ...more] = findingsOf(text, kind);
    expect(finding).toMatchObject({ severity: "error", line, key: null });
    expect(finding?.message).toMatch(kind === "toml" ? /^not TOML: \w/ : /^not JSON: \w/);
    expect(more).toEqual([]);
  });

  test("names what is wrong in words", () => {
    expect(findingsOf('{ "a": 1', "json")[0]?.message).toBe("not JSON: close brace expected");
  });
});

describe("nesting without end is an error, not a crash:", () => {
  const deep = 200_000;
  test.each([
    ["json", "[".repeat(deep)],
    ["json", '{"a":'.repeat(deep)],
    ["json", `{"a":${"[".repeat(150)}${"]".repeat(150)}}`],
    ["toml", `a = ${"[".repeat(deep)}`],
    ["toml", `a = ${"[".repeat(150)}${"]".repeat(150)}`],
    ["toml", `vars.POOLS.${"a.".repeat(150)}b = 1`],
    ["toml", `[${"a.".repeat(2_000)}b]`],
  ] as const)("%s %.20s", (kind, text) => {
    expect(findingsOf(text, kind)).toMatchObject([
      { severity: "error", message: expect.stringMatching(/^(is nested|not (TOML|JSON))/) },
    ]);
  });
});
