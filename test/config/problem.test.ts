import { describe, expect, test } from "vitest";
import { pathOf, shown } from "../../src/config/problem.ts";

describe("a value", () => {
  test("is shown as it was given", () => {
    expect(shown("1 fortnight")).toBe('"1 fortnight"');
    expect(shown({ a: [1, null] })).toBe('{"a":[1,null]}');
    expect(shown(Number.NaN)).toBe("NaN");
    expect(shown(undefined)).toBe("undefined");
  });

  test("is cut at 80 characters, and never inside one", () => {
    expect(shown("x".repeat(78))).toBe(`"${"x".repeat(78)}"`);
    expect(shown("x".repeat(79))).toBe(`"${"x".repeat(78)}…`);
    expect(shown(`${"x".repeat(77)}😀`.repeat(2)).isWellFormed()).toBe(true);
  });

  test("that JSON cannot hold is shown by its kind", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(shown(cycle)).toBe("(a value of type object)");
    expect(shown(1n)).toBe("(a value of type bigint)");
  });

  test("does NOT give away the password in a URL, at any depth", () => {
    expect(shown([{ url: "https://me:sec ret@example.com/x" }])).toBe('[{"url":"https://…@example.com/x"}]');
  });
});

describe("a place", () => {
  test("is written as in TOML", () => {
    expect(pathOf(["POOLS", "web", "servers", 1, "url"])).toBe("POOLS.web.servers[1].url");
    expect(pathOf(["POOLS", "a.b", "slots"])).toBe('POOLS."a.b".slots');
    expect(pathOf(["POOLS", ""])).toBe('POOLS.""');
  });
});
