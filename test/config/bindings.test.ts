import { describe, expect, test } from "vitest";
import { type Bindings, bindingsOf } from "../../src/config/bindings.ts";
import { type ConfigError, parseConfig } from "../../src/config/parse.ts";
import { addressOf } from "../../src/config/server-identity.ts";
import type { PoolConfig } from "../../src/config/types.ts";
import { parseWeb, problemsOf, web } from "./support.ts";

const BINDINGS: Bindings = {
  kindOf: (name) => (name === "NET" ? "fetcher" : ["BOXES", "POOL"].includes(name) ? "namespace" : null),
  secretOf: (name) => (name === "GATE_KEY" ? "there" : name === "LINES" ? "unusable" : "missing"),
  variableOf: () => undefined,
};
const URL = "http://10.0.0.1:8000";

function poolWith(servers: object[], keys: object = {}): PoolConfig {
  return parseConfig({ POOLS: { web: { servers, ...keys } } }, BINDINGS).pools.get("web") as PoolConfig;
}

function problemsWith(servers: object[], keys: object = {}): string[] {
  try {
    parseConfig({ POOLS: { web: { servers, ...keys } } }, BINDINGS);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe("a server behind a binding", () => {
  const identities = (...servers: object[]) => poolWith(servers).servers.map(({ identity }) => identity);

  test("is told from others by its binding and URL, and in a namespace by its name", () => {
    expect(identities({ name: "a", url: URL }, { name: "b", url: URL, binding: "NET" })).toEqual([
      URL,
      `NET ${URL}`,
    ]);
    expect(
      identities({ name: "a", url: URL, binding: "BOXES" }, { name: "b", url: URL, binding: "BOXES" }),
    ).toEqual([`BOXES ${URL} a`, `BOXES ${URL} b`]);
  });

  test.each([
    [URL, { url: URL, binding: null }],
    [`NET ${URL}`, { url: URL, binding: "NET" }],
    [`BOXES ${URL} a`, { url: URL, binding: "BOXES" }],
  ])("is found again by its identity, %s", (identity, address) => {
    expect(addressOf(identity)).toEqual(address);
  });

  test("is there once: two names for one would get more requests than it has slots", () => {
    const twice = [1, 2].map((n) => ({ name: `n${n}`, url: URL, binding: "NET" }));
    expect(problemsWith(twice)).toEqual([
      `POOLS.web.servers[1].url: "${URL}" is that of servers[0] already; allowed: one entry for each origin, with \`slots\` for more requests at once`,
    ]);
  });

  test.each(["OTHER", "POOL"])("is refused where %s is no binding that reaches servers", (binding) => {
    expect(problemsWith([{ name: "a", url: URL, binding }])).toEqual([
      expect.stringContaining(`POOLS.web.servers[0].binding: "${binding}" is no binding of this Worker`),
    ]);
  });

  test.each(["a-b", "", 7])("is refused where %j cannot be a binding's name", (binding) => {
    expect(problemsOf(web({ servers: [{ name: "a", url: URL, binding }] }))).toEqual([
      expect.stringContaining(`${JSON.stringify(binding)} is not a binding's name`),
    ]);
  });
});

describe("headers", () => {
  const server = { name: "a", url: URL };

  test("of a pool are those of its servers, which may say otherwise, in any case", () => {
    const headers = { "X-Gate-Key": { secret: "GATE_KEY" }, "X-Team": "one" };
    const own = { ...server, headers: { "x-team": "two" } };
    const { servers } = poolWith([own, { name: "b", url: "http://b.example" }], { headers });
    expect(servers.map((one) => Object.fromEntries(one.headers))).toEqual([
      { "x-gate-key": { secret: "GATE_KEY" }, "x-team": "two" },
      { "x-gate-key": { secret: "GATE_KEY" }, "x-team": "one" },
    ]);
  });

  test("are none by default", () => {
    expect(parseWeb().headers).toEqual([]);
  });

  test("of a secret that is not set are refused: the servers would take Sluice for somebody else", () => {
    expect(problemsWith([server], { headers: { "X-Gate-Key": { secret: "NOT_SET" } } })).toEqual([
      'POOLS.web.headers.x-gate-key: there is no secret "NOT_SET"; set it: wrangler secret put NOT_SET',
    ]);
  });

  test("of a server are refused likewise, where the server names the secret", () => {
    const own = { ...server, headers: { "X-Gate-Key": { secret: "NOT_SET" } } };
    expect(problemsWith([own], { headers: { "X-Gate-Key": { secret: "GATE_KEY" } } })).toEqual([
      'POOLS.web.servers[0].headers.x-gate-key: there is no secret "NOT_SET"; set it: wrangler secret put NOT_SET',
    ]);
  });

  test("of a pool are refused also if all its servers have others: a retired one would get them", () => {
    const own = { ...server, headers: { "X-Gate-Key": "own" } };
    expect(problemsWith([own], { headers: { "X-Gate-Key": { secret: "NOT_SET" } } })).toEqual([
      'POOLS.web.headers.x-gate-key: there is no secret "NOT_SET"; set it: wrangler secret put NOT_SET',
    ]);
  });

  test("of a secret that no header can have as its value are refused, and the value is not told", () => {
    expect(problemsWith([server], { headers: { "X-Gate-Key": { secret: "LINES" } } })).toEqual([
      'POOLS.web.headers.x-gate-key: the secret "LINES" is empty or has several lines, as no header may; set it: wrangler secret put LINES',
    ]);
  });

  test.each([
    ["open-sesame", "there"],
    ["open-sesame\n", "there"],
    ["", "unusable"],
    [" \n", "unusable"],
    ["open\nsesame", "unusable"],
    [{ open: "sesame" }, "missing"],
    [undefined, "missing"],
  ])("find the secret %j of the Worker to be %s", (secret, state) => {
    expect(bindingsOf({ GATE_KEY: secret }).secretOf("GATE_KEY")).toBe(state);
  });

  test.each([
    ["Host", "is set by Sluice or the platform"],
    ["Content-Length", "is set by Sluice or the platform"],
    ["X-Forwarded-For", "is set by Sluice or the platform"],
    ["a b", "is not a header's name"],
    ["", "is not a header's name"],
  ])("may not be called %j", (name, verdict) => {
    expect(problemsWith([server], { headers: { [name]: "x" } })).toEqual([
      expect.stringContaining(`${JSON.stringify(name)} ${verdict}`),
    ]);
  });

  test("may not be named twice, in whatever case: one of them would not be sent", () => {
    expect(problemsWith([server], { headers: { "X-Gate-Key": "one", "x-gate-key": "two" } })).toEqual([
      'POOLS.web.headers.x-gate-key: "x-gate-key" is there as "X-Gate-Key" already; allowed: a name of another header, such as "X-Gate-Key"',
    ]);
  });

  test.each(["", " x", "x\n", "ü", 7, { secret: "a b" }, { sekret: "A" }])("may not be %j", (value) => {
    expect(problemsWith([server], { headers: { "X-Key": value } })).not.toEqual([]);
  });
});
