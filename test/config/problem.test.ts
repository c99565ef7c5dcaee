import { describe, expect, test } from "vitest";
import { inspect, pathOf } from "../../src/config/problem.ts";

describe("a value", () => {
  test("is shown as it was given", () => {
    expect(inspect("1 fortnight")).toBe('"1 fortnight"');
    expect(inspect({ a: [1, null] })).toBe('{"a":[1,null]}');
    expect(inspect(Number.NaN)).toBe("NaN");
    expect(inspect(undefined)).toBe("undefined");
  });

  test("is cut at 80 characters, and never inside one", () => {
    expect(inspect("x".repeat(78))).toBe(`"${"x".repeat(78)}"`);
    expect(inspect("x".repeat(79))).toBe(`"${"x".repeat(78)}…`);
    expect(inspect(`${"x".repeat(77)}😀`.repeat(2)).isWellFormed()).toBe(true);
  });

  test("that JSON cannot hold is shown by its kind", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(inspect(cycle)).toBe("(a value of type object)");
    expect(inspect(1n)).toBe("(a value of type bigint)");
  });

  test("does NOT give away the password in a URL, at any depth", () => {
    expect(inspect([{ url: "https://me:sec ret@example.com/x" }])).toBe(
      '[{"url":"https://…@example.com/x"}]',
    );
  });
});

describe("a place", () => {
  test("is written as in TOML", () => {
    expect(pathOf(["POOLS", "web", "servers", 1, "url"])).toBe("POOLS.web.servers[1].url");
    expect(pathOf(["POOLS", "a.b", "slots"])).toBe('POOLS."a.b".slots');
    expect(pathOf(["POOLS", ""])).toBe('POOLS.""');
  });
});
