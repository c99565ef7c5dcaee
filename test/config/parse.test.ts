import { describe, expect, test } from "vitest";
import { NAME_ALLOWED } from "../../src/config/names.ts";
import { ConfigError, parseConfig } from "../../src/config/parse.ts";
import { shardName } from "../../src/link/shards.ts";
import { poolOf, problemsOf, SERVERS, web } from "./support.ts";

const ok = { servers: SERVERS };

describe("POOLS", () => {
  test.each([
    [undefined, "missing"],
    [null, "null is not a table"],
    ["web", '"web" is not a table'],
    [[ok], "is not a table"],
    [{}, "{} has no pool"],
  ])("%j is a problem that says what to write", (pools, says) => {
    const [problem, ...more] = problemsOf(pools);
    expect(problem).toMatch(/^POOLS: /);
    expect(problem).toContain(says);
    expect(problem).toContain('[vars.POOLS.web] with servers = [{ name = "web-1", url = "https://');
    expect(more).toEqual([]);
  });

  test("names every pool by its key", () => {
    const pools = { a: { ...ok, hosts: ["a.com"] }, "b.2_x-": { ...ok, hosts: ["b.com"] } };
    expect([...parseConfig({ POOLS: pools }).pools].map(([key, pool]) => [key, pool.name])).toEqual([
      ["a", "a"],
      ["b.2_x-", "b.2_x-"],
    ]);
  });

  test.each(["", "-a", ".a", "a b", "a/b", "ä", "x".repeat(64)])("does not name a pool %j", (name) => {
    const path = /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
    expect(problemsOf({ [name]: ok })).toEqual([
      `POOLS.${path}: ${JSON.stringify(name)} is not a pool name; allowed: ${NAME_ALLOWED}`,
    ]);
  });

  test("does not name a pool as the object of another one's shard is called", () => {
    const name = shardName("web", 3);
    expect(name).toBe("web#3");
    expect(problemsOf({ [name]: ok })).toEqual([
      `POOLS."web#3": "web#3" is not a pool name; allowed: ${NAME_ALLOWED}`,
    ]);
  });

  test.each([1, "https://web.example.com", null, SERVERS])("holds tables, not %j", (given) => {
    const [problem] = problemsOf({ web: given });
    expect(problem).toContain(
      `POOLS.web: ${JSON.stringify(given)} is not a table; allowed: a table of hosts, `,
    );
  });
});

describe("problems", () => {
  test("are all told at once, a line each", () => {
    const pools = { "a.b": { ...ok, slots: 0, retries: "3" }, "c d": { servers: [], color: "red" } };
    const problems = problemsOf(pools);
    expect(problems.map((problem) => problem.replace(/:.*/, ""))).toEqual([
      'POOLS."a.b".slots',
      'POOLS."a.b".retries',
      'POOLS."c d"',
      'POOLS."c d".color',
      'POOLS."c d".servers',
      'POOLS."c d".hosts',
    ]);
    expect(() => parseConfig({ POOLS: pools })).toThrow(new ConfigError(problems));
    expect(new ConfigError(problems).message.split("\n")).toEqual(problems);
  });

  test("name an unknown key, its value, and the key that was probably meant", () => {
    expect(problemsOf(web({ max_que: 5 }))).toEqual([
      expect.stringContaining(
        'POOLS.web.max_que: unknown key, given 5; did you mean "max_queue"? allowed: hosts, path_prefix, slots, servers, ',
      ),
    ]);
  });

  test.each([
    [
      web({ queueTimeout: "1s" }),
      'POOLS.web.queueTimeout: unknown key, given "1s"; did you mean "queue_timeout"?',
    ],
    [web({ check: { path: "/", intervall: "1s" } }), 'did you mean "interval"? allowed: path, method, port,'],
    [
      web({ quarantine: { maxx: "1s" } }),
      'POOLS.web.quarantine.maxx: unknown key, given "1s"; did you mean "max"?',
    ],
    [
      { web: { servers: [{ ...SERVERS[0], wieght: 2 }] } },
      "POOLS.web.servers[0].wieght: unknown key, given 2; did you",
    ],
  ])("find the near key in every table (%#)", (pools, says) => {
    expect(problemsOf(pools)).toEqual([expect.stringContaining(says)]);
  });

  test("do NOT guess when no key is near", () => {
    expect(problemsOf(web({ maxconn: 1 }))).toEqual([
      expect.stringContaining("POOLS.web.maxconn: unknown key, given 1; allowed: hosts,"),
    ]);
  });

  test("tell several unknown keys apart", () => {
    const problems = problemsOf(web({ "a\nb": 1, retry: 2, zzz: 3 }));
    expect(problems.map((problem) => problem.replace(/;.*/, ""))).toEqual([
      'POOLS.web."a\\nb": unknown key, given 1',
      "POOLS.web.retry: unknown key, given 2",
      "POOLS.web.zzz: unknown key, given 3",
    ]);
  });
});

describe("names that every object has", () => {
  test("are pool and server names like any other", () => {
    const servers = [{ name: "toString", url: "http://a.example.com" }];
    expect(poolOf({ constructor: { servers } }, "constructor").servers[0]?.name).toBe("toString");
    expect(parseConfig({ POOLS: web() }).pools.get("constructor")).toBeUndefined();
  });

  test("are unknown keys like any other, even __proto__", () => {
    const given = JSON.parse(
      `{ "servers": ${JSON.stringify(SERVERS)}, "__proto__": { "slots": 9 }, "constructor": 1 }`,
    );
    expect(problemsOf({ web: given }).map((problem) => problem.replace(/;.*/, ""))).toEqual([
      'POOLS.web.__proto__: unknown key, given {"slots":9}',
      "POOLS.web.constructor: unknown key, given 1",
    ]);
  });

  test("make no pool of __proto__", () => {
    const pools = JSON.parse(`{ "__proto__": ${JSON.stringify(ok)} }`);
    expect(problemsOf(pools)).toEqual([
      expect.stringContaining('POOLS.__proto__: "__proto__" is not a pool name'),
    ]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
