import { describe, expect, test } from "vitest";
import type { Bindings } from "../../src/config/bindings.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { problemsOf } from "./support.ts";

type Server = Record<string, unknown>;

const BINDINGS: Bindings = {
  kindOf: (name) => (name === "BOXES" ? "namespace" : "fetcher"),
  secretOf: () => "missing",
  variableOf: () => undefined,
};

const server = (keys: Server = {}): Server => ({ name: "x", url: "https://x.example.com", ...keys });
const pool = (host: string, ...servers: Server[]) => ({ hosts: [`${host}.com`], servers });

describe("a server of two pools", () => {
  test("is an error that names both places and what to do: each pool would grant its slots for itself", () => {
    const pools = {
      a: pool("a", server({ name: "y", url: "https://y.com" }), server()),
      b: pool("b", server()),
    };
    expect(problemsOf(pools)).toEqual([
      'POOLS.b.servers[0].url: "https://x.example.com" is POOLS.a.servers[1] too, and each pool counts for itself: ' +
        "a server would get more requests than it has slots; allowed: one pool for it, with several `path_prefix` or " +
        "`hosts`, or `shared = true` in each of its entries, whose slots are then that pool's share of what the server " +
        "can take",
    ]);
  });

  test.each([
    "https://X.example.com",
    "https://x.example.com/",
    "https://x.example.com:443",
    "https://x.example.com.",
    "HTTPS://x.example.com.:443/",
  ])("is the same one as %s", (url) => {
    expect(problemsOf({ a: pool("a", server()), b: pool("b", server({ url })) })).toHaveLength(1);
  });

  test.each(["http://x.example.com", "https://x.example.com:444", "https://y.x.example.com"])(
    "is NOT the same one as %s, which `sluice check` may warn of",
    (url) => {
      expect(problemsOf({ a: pool("a", server()), b: pool("b", server({ url })) })).toEqual([]);
    },
  );

  test("is found in a further variable too", () => {
    const vars = { POOLS: { a: pool("a", server()) }, POOLS_2: { b: pool("b", server()) } };
    expect(() => parseConfig(vars)).toThrow(
      /^POOLS_2\.b\.servers\[0\]\.url: .* is POOLS\.a\.servers\[0\] too/,
    );
  });

  test("is right where each entry says `shared = true`, and one that does not is named", () => {
    const shared = server({ shared: true });
    expect(problemsOf({ a: pool("a", shared), b: pool("b", shared), c: pool("c", shared) })).toEqual([]);
    expect(problemsOf({ a: pool("a", shared), b: pool("b", server()), c: pool("c", shared) })).toEqual([
      expect.stringMatching(/^POOLS\.b\.servers\[0\]\.url: .* POOLS\.a\.servers\[0\] too/),
    ]);
    expect(problemsOf({ a: pool("a", server()), b: pool("b", shared) })).toHaveLength(1);
  });

  test("is one problem however many they have in common", () => {
    const many = Array.from({ length: 9 }, (_, n) => server({ name: `s${n}`, url: `https://s${n}.com` }));
    expect(problemsOf({ a: pool("a", ...many), b: pool("b", ...many), c: pool("c", ...many) })).toEqual([
      expect.stringMatching(
        /^POOLS\.b\.servers\[0\]\.url: .* POOLS\.a\.servers\[0\] too \(and 8 more of that pool\)/,
      ),
      expect.stringMatching(
        /^POOLS\.c\.servers\[0\]\.url: .* POOLS\.a\.servers\[0\] too \(and 8 more of that pool\)/,
      ),
    ]);
  });

  test("twice in one pool stays an error of that pool, shared or not", () => {
    const twins = [
      server({ shared: true }),
      server({ name: "y", url: "https://x.example.com.", shared: true }),
    ];
    expect(problemsOf({ a: pool("a", ...twins) })).toEqual([
      expect.stringMatching(/^POOLS\.a\.servers\[1\]\.url: .* is that of servers\[0\] already/),
    ]);
  });
});

describe("a server behind a binding", () => {
  const problems = (one: Server, other: Server) => {
    try {
      parseConfig({ POOLS: { a: pool("a", one), b: pool("b", other) } }, BINDINGS);
      return [];
    } catch (error) {
      return (error as Error).message.split("\n");
    }
  };

  test("is the same one by its binding and URL, and in a namespace by its name too", () => {
    const office = server({ binding: "OFFICE" });
    expect(problems(office, office)).toHaveLength(1);
    expect(problems(office, server())).toEqual([]);
    const box = server({ binding: "BOXES" });
    expect(problems(box, box)).toHaveLength(1);
    expect(problems(box, server({ binding: "BOXES", name: "y" }))).toEqual([]);
  });
});
