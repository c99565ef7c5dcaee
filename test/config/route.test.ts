import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { poolFor, servesPool } from "../../src/config/route.ts";
import type { Config, PoolConfig } from "../../src/config/types.ts";
import { problemsOf, SERVERS, web } from "./support.ts";

/** Pools by name, with a host pattern and a path prefix. */
function configOf(pools: Record<string, [host: string, prefix: string | string[]]>): Config {
  const servers = [{ ...SERVERS[0], shared: true }];
  const tables = Object.entries(pools).map(([name, [host, path_prefix]]) => {
    return [name, { servers, hosts: [host], path_prefix }] as const;
  });
  return parseConfig({ POOLS: Object.fromEntries(tables) });
}

describe("one pool for everything", () => {
  const config = parseConfig({ POOLS: web() });

  test.each([["example.com"], ["EXAMPLE.com:8080"], ["[::1]:8787"], [""]])("serves the host %j", (host) => {
    expect(poolFor(config, host, "/any/path")?.name).toBe("web");
  });
});

describe("the pool of a request", () => {
  const config = configOf({
    exact: ["api.example.com", "/"],
    deeper: ["*.eu.example.com", "/"],
    wild: ["*.example.com", "/"],
    v2: ["api.example.com", "/v2"],
    v2beta: ["api.example.com", "/v2/beta"],
    rest: ["*", "/public"],
    ipv6: ["[::1]", "/"],
  });

  test.each([
    ["an exact host before a wildcard", "api.example.com", "/", "exact"],
    ["the longer of two wildcards", "x.eu.example.com", "/", "deeper"],
    ["a wildcard at any depth", "a.b.c.example.com", "/", "wild"],
    ["a wildcard's own child where the longer one does not match", "eu.example.com", "/", "wild"],
    ["the longest prefix of the host", "api.example.com", "/v2/beta/x", "v2beta"],
    ["a shorter prefix where the longer one does not match", "api.example.com", "/v2/stable", "v2"],
    ["a prefix as a plain beginning, as path_beg does", "api.example.com", "/v2x", "v2"],
    ["a host before a longer prefix", "api.example.com", "/public", "exact"],
    ["* where nothing else matches", "other.org", "/public/x", "rest"],
    ["a host in any case", "API.Example.COM", "/", "exact"],
    ["a host with its port", "api.example.com:8443", "/", "exact"],
    ["a host with its last dot", "api.example.com.", "/", "exact"],
    ["an IPv6 host", "[::1]", "/", "ipv6"],
    ["an IPv6 host with its port", "[::1]:8787", "/", "ipv6"],
  ])("is that of %s", (_, host, path, name) => {
    expect(poolFor(config, host, path)?.name).toBe(name);
  });

  test.each([
    ["the apex of a wildcard", "example.com", "/"],
    ["a host that only ends like a wildcard", "badexample.com", "/"],
    ["a path that no prefix begins", "other.org", "/Public"],
    ["no host at all", "", "/"],
  ])("does NOT exist for %s", (_, host, path) => {
    expect(poolFor(config, host, path)).toBeUndefined();
  });

  test("is found by a less specific host where the more specific one has no prefix for it", () => {
    const fallback = configOf({
      exact: ["a.example.com", "/x"],
      wild: ["*.example.com", "/y"],
      any: ["*", "/"],
    });
    expect(poolFor(fallback, "a.example.com", "/x")?.name).toBe("exact");
    expect(poolFor(fallback, "a.example.com", "/y")?.name).toBe("wild");
    expect(poolFor(fallback, "a.example.com", "/z")?.name).toBe("any");
  });

  test("is any of those hosts that one pool lists", () => {
    const hosts = ["a.com", "*.b.com"];
    const listed = parseConfig({ POOLS: web({ hosts }) });
    expect(poolFor(listed, "a.com", "/")?.name).toBe("web");
    expect(poolFor(listed, "x.b.com", "/")?.name).toBe("web");
    expect(poolFor(listed, "b.com", "/")).toBeUndefined();
  });

  test("is the same by each of the prefixes that one pool lists, among those of others", () => {
    const listed = configOf({
      web: ["*", ["/api", "/reports", "/x/y/z"]],
      other: ["*", ["/", "/api/v2", "/x"]],
    });
    const of = (path: string) => poolFor(listed, "a.com", path)?.name;
    expect(["/api", "/reports/1", "/x/y/z"].map(of)).toEqual(["web", "web", "web"]);
    expect(["/", "/api/v2", "/x/y", "/report"].map(of)).toEqual(["other", "other", "other", "other"]);
  });

  test("is the only one, for all paths, where one of its prefixes is /", () => {
    const listed = configOf({ web: ["*", ["/api", "/"]] });
    expect(poolFor(listed, "a.com", "/x")?.name).toBe("web");
  });

  test("is said to serve a host where it has any of its paths there", () => {
    const listed = configOf({
      web: ["*", ["/api", "/reports"]],
      api: ["a.com", "/api"],
      rest: ["b.com", "/"],
    });
    const web = listed.pools.get("web") as PoolConfig;
    expect(["a.com", "b.com", "c.com"].map((host) => servesPool(listed, host, web))).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("is the one that the rule names, for any pools and any request", () => {
    const host = fc.constantFrom("*", "*.c", "*.b.c", "b.c", "a.b.c", "c", "*.x.b.c");
    const one = fc.constantFrom("/", "/p", "/p/q", "/q");
    const prefix = fc.oneof(one, fc.uniqueArray(one, { minLength: 1 }));
    const pools = fc.array(fc.tuple(fc.uniqueArray(host, { minLength: 1 }), prefix), {
      minLength: 1,
      maxLength: 5,
    });
    const requests = fc.tuple(
      fc.constantFrom("c", "b.c", "a.b.c", "y.x.b.c", "d"),
      fc.constantFrom("/", "/p/q/r", "/q"),
    );
    fc.assert(
      fc.property(pools, requests, (given, [askedHost, path]) => {
        const tables = given.map(([hosts, path_prefix], i) => [
          `p${i}`,
          { servers: [{ ...SERVERS[0], shared: true }], hosts, path_prefix },
        ]);
        const raw = Object.fromEntries(tables);
        fc.pre(problemsOf(raw).length === 0);
        const parsed = parseConfig({ POOLS: raw });
        expect(poolFor(parsed, askedHost, path)?.name).toBe(byTheRule(parsed, askedHost, path)?.name);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The rule, implemented as simply as possible and slow. */
function byTheRule(config: Config, host: string, path: string): PoolConfig | undefined {
  const matches = [...config.pools.values()]
    .flatMap((pool) => pool.pathPrefixes.map((prefix) => ({ pool, prefix })))
    .filter(({ prefix }) => path.startsWith(prefix))
    .flatMap((route) => route.pool.hosts.map((pattern) => ({ ...route, pattern })))
    .filter(({ pattern }) => pattern === "*" || pattern === host || isUnder(pattern, host));
  const rank = (pattern: string) => (pattern === host ? 1_000 : pattern.length);
  matches.sort((a, b) => rank(b.pattern) - rank(a.pattern) || b.prefix.length - a.prefix.length);
  return matches[0]?.pool;
}

function isUnder(pattern: string, host: string): boolean {
  return pattern.startsWith("*.") && host.endsWith(pattern.slice(1));
}
