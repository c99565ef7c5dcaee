import { describe, expect, test } from "vitest";
import { problemsOf } from "../../config/support.ts";
import { findingsOf, here, PLATFORM_JSON, SERVER, told, toml, web } from "./support.ts";

describe("POOLS", () => {
  test("that are right give no finding", () => {
    expect(findingsOf(web('queue_timeout = "5m"'))).toEqual([]);
    const text = JSON.stringify({
      ...PLATFORM_JSON,
      vars: { POOLS: { web: { servers: [{ name: "a", url: "https://a.example.com" }] } } },
    });
    expect(findingsOf(text, "json")).toEqual([]);
  });

  test("are judged by the Worker's own rules, in its words, all at once", () => {
    const POOLS = {
      "c d": { servers: [], color: "red", slots: 0 },
      web: {
        servers: [{ name: "web-1", url: "https://web-1.example.com/x", wieght: 2 }],
        quarantine: { maxx: 1 },
      },
    };
    const said = told(JSON.stringify({ ...PLATFORM_JSON, vars: { POOLS } }), "json");
    expect(said.toSorted()).toEqual(
      problemsOf(POOLS)
        .map((problem) => `error vars.${problem}`)
        .toSorted(),
    );
    expect(said.length).toBeGreaterThan(6);
  });

  test("missing is an error that says what to write", () => {
    expect(findingsOf(toml(""))).toMatchObject([
      {
        severity: "error",
        key: "vars.POOLS",
        line: null,
        message: expect.stringContaining("[vars.POOLS.<name>]"),
      },
    ]);
  });

  test("as text are an error: the Worker takes a table only", () => {
    const text = toml(`[vars]\nPOOLS = '{ "web": {} }' # here`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "error",
        key: "vars.POOLS",
        line: here(text),
        message: expect.stringContaining("is not a table"),
      },
    ]);
  });

  test("that share a route are an error at the later one's hosts", () => {
    const text = toml(
      `[vars.POOLS.a]\nservers = [${SERVER}]\n[vars.POOLS.b]\nhosts = ["*"] # here\nservers = [{ name = "b", url = "https://b.example.com" }]`,
    );
    expect(findingsOf(text)).toMatchObject([{ key: "vars.POOLS.b.hosts", line: here(text) }]);
  });

  test("do not give away a URL's password", () => {
    const text = toml(
      '[vars.POOLS.web]\nservers = [{ name = "a", url = "https://me:secret@a.example.com" }]',
    );
    expect(findingsOf(text)).toHaveLength(1);
    expect(JSON.stringify(findingsOf(text))).not.toContain("secret");
  });
});

describe("the size of POOLS", () => {
  /** POOLS that takes so many bytes as JSON. */
  function sized(bytes: number): string {
    const servers = (count: number) =>
      Array.from({ length: count }, (_, n) => ({ name: `s${n}`, url: `https://s${n}.example.com` }));
    const POOLS = { web: { path_prefix: "/", servers: servers(90) } };
    const missing = bytes - JSON.stringify(POOLS).length;
    POOLS.web.path_prefix += "x".repeat(missing);
    expect(JSON.stringify(POOLS)).toHaveLength(bytes);
    return JSON.stringify({ ...PLATFORM_JSON, vars: { POOLS } });
  }

  test("may be what Cloudflare allows for a variable", () => {
    expect(told(sized(5 * 1024), "json")).toEqual([]);
  });

  test("may not be more", () => {
    expect(told(sized(5 * 1024 + 1), "json")).toEqual([
      expect.stringMatching(/^error vars\.POOLS: takes 5121 bytes as JSON, .* more than 5120/),
    ]);
  });

  test("is counted in bytes, not in characters", () => {
    const text = sized(5 * 1024).replace("xxx", "äöü");
    expect(told(text, "json").join("\n")).toContain("takes 5123 bytes");
  });
});
