import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../src/config/parse.ts";

const table = (name: string, keys: Record<string, unknown> = {}) => ({
  servers: [{ name, url: `https://${name}.example.com` }],
  hosts: [`${name}.example.com`],
  ...keys,
});

function problemsIn(vars: object): string[] {
  try {
    parseConfig(vars);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("pools in several variables", () => {
  test("are in the order of the variables, POOLS first", () => {
    const vars = {
      POOLS_10: { e: table("e") },
      POOLS_2: { d: table("d"), c: table("c") },
      POOLS: { b: table("b") },
    };
    expect([...parseConfig(vars).pools.keys()]).toEqual(["b", "d", "c", "e"]);
  });

  test("may leave a number out", () => {
    const vars = { POOLS: { a: table("a") }, POOLS_7: { b: table("b") } };
    expect([...parseConfig(vars).pools.keys()]).toEqual(["a", "b"]);
  });

  test.each(["POOLS_", "POOLS_B", "POOLS2", "POOLS_2_B", "MY_POOLS_2"])("are NOT in %s", (name) => {
    expect(problemsIn({ POOLS: { a: table("a") }, [name]: "anything" })).toEqual([]);
  });

  test("need POOLS itself", () => {
    expect(problemsIn({ POOLS_2: { a: table("a") } })).toEqual([
      expect.stringMatching(/^POOLS: missing; allowed: a table \[vars\.POOLS\.<name>\] for each pool/),
    ]);
  });

  test.each([["web"], [null], [[]], [{}]])("are tables in each: POOLS_2 may not be %j", (given) => {
    expect(problemsIn({ POOLS: { a: table("a") }, POOLS_2: given })).toEqual([
      expect.stringMatching(/^POOLS_2: .* allowed: a table \[vars\.POOLS_2\.<name>\] for each pool/),
    ]);
  });

  test("have different names: the problem names both places", () => {
    const vars = { POOLS: { a: table("a") }, POOLS_2: { a: table("b") } };
    expect(problemsIn(vars)).toEqual([
      'POOLS_2.a: "a" is in POOLS already; allowed: a name that no other pool has',
    ]);
  });

  test("may not share a route: the problem names both places", () => {
    const vars = { POOLS: { a: table("a") }, POOLS_2: { b: table("b", { hosts: ["a.example.com"] }) } };
    expect(problemsIn(vars)).toEqual([
      expect.stringMatching(/^POOLS_2\.b\.hosts: "a\.example\.com" with .* belongs to POOLS\.a already/),
    ]);
  });

  test("are told of by their variables, all at once", () => {
    const servers = [{ name: "b", url: "no" }];
    const vars = {
      POOLS: { a: table("a", { slots: 0 }) },
      POOLS_2: { b: table("b", { servers }) },
      POOLS_3: 3,
    };
    expect(problemsIn(vars).map((problem) => problem.replace(/:.*/, ""))).toEqual([
      "POOLS_3",
      "POOLS.a.slots",
      "POOLS_2.b.servers[0].url",
    ]);
  });
});
