import { describe, expect, test } from "vitest";
import { parseWeb, problemsOf, SERVERS, web } from "./support.ts";

const ALLOWED = 'a host name, "*.example.com" or "*", without scheme, port or path';

describe("hosts", () => {
  test("is every host when it is left out", () => {
    expect(parseWeb().hosts).toEqual(["*"]);
  });

  test.each([
    ["Example.COM", "example.com"],
    ["*.Example.com", "*.example.com"],
    ["localhost", "localhost"],
    ["my_app.internal", "my_app.internal"],
    ["127.0.0.1", "127.0.0.1"],
    ["[::1]", "[::1]"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["*.bücher.example", "*.xn--bcher-kva.example"],
  ])("takes %s, as requests spell it: %s", (given, pattern) => {
    expect(parseWeb({ hosts: [given] }).hosts).toEqual([pattern]);
  });

  test.each([
    ["https://example.com", "has a scheme"],
    ["example.com/app", "has a path"],
    ["example.com:8080", "has a port"],
    ["[::1]:8080", "has a port"],
    ["*example.com", "is not a host"],
    ["a.*.example.com", "is not a host"],
    ["*.*", "is not a host"],
    ["*.", "is not a host"],
    ["*.[::1]", "is not a host"],
    ["example..com", "is not a host"],
    ["exa mple.com", "is not a host"],
    ["me@example.com", "is not a host"],
    ["ex%61mple.com", "is not a host"],
    [`${"a".repeat(64)}.com`, "is not a host"],
    ["", "is not a host"],
    [80, "is not a host"],
    [["a/b"], "is not a host"],
    [{ toString: 1 }, "is not a host"],
  ])("refuses %j because it %s", (given, verdict) => {
    expect(problemsOf(web({ hosts: ["ok.example.com", given] }))).toEqual([
      `POOLS.web.hosts[1]: ${JSON.stringify(given)} ${verdict}; allowed: ${ALLOWED}`,
    ]);
  });

  test.each([["example.com"], [[]], [null]])("is a list with something in it, not %j", (given) => {
    expect(problemsOf(web({ hosts: given }))).toEqual([
      `POOLS.web.hosts: ${JSON.stringify(given)} is not a list of hosts; ` +
        `allowed: a list with at least one of: ${ALLOWED}`,
    ]);
  });

  test("named twice in one pool count once", () => {
    expect(parseWeb({ hosts: ["a.com", "A.com"] }).hosts).toEqual(["a.com"]);
  });
});

describe("two pools", () => {
  const pool = (keys: Record<string, unknown>) => ({ servers: SERVERS, ...keys });

  test("may not both have the same host and path_prefix", () => {
    expect(problemsOf({ a: pool({}), b: pool({}) })).toEqual([
      'POOLS.b.hosts: "*" with path_prefix "/" belongs to POOLS.a already; ' +
        "allowed: hosts, or a path_prefix, that no other pool has",
    ]);
  });

  test("may not share one of several hosts, however it is written", () => {
    const a = pool({ hosts: ["x.com", "y.com"], path_prefix: "/api" });
    const b = pool({ hosts: ["z.com", "Y.com"], path_prefix: "/api" });
    expect(problemsOf({ a, b })).toEqual([expect.stringMatching(/^POOLS\.b\.hosts: "y\.com" .* POOLS\.a /)]);
  });

  test("may share a host under different prefixes, and a prefix under different hosts", () => {
    const pools = {
      a: pool({ hosts: ["x.com"] }),
      b: pool({ hosts: ["x.com"], path_prefix: "/api" }),
      c: pool({ hosts: ["*.x.com"] }),
    };
    expect(problemsOf(pools)).toEqual([]);
  });

  test("are compared even where other things are wrong with them", () => {
    expect(problemsOf({ a: pool({ slots: 0 }), b: pool({ retries: -1 }) })).toEqual([
      expect.stringContaining("POOLS.a.slots"),
      expect.stringContaining("POOLS.b.retries"),
      expect.stringContaining("POOLS.b.hosts"),
    ]);
  });
});
