import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { convertHaproxy } from "../../../../src/cli/init/haproxy/convert.ts";
import type { PoolTable } from "../../../../src/cli/init/pool-table.ts";
import { wranglerToml } from "../../../../src/cli/init/wrangler-toml.ts";
import { readToml } from "../../../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../../../src/cli/wrangler-file/tree.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { poolFor } from "../../../../src/config/route.ts";
import type { Config } from "../../../../src/config/types.ts";
import { said } from "./support.ts";

const BACKENDS = ["a", "b", "c"]
  .map((name) => `backend ${name}\n server s ${name}.internal:80 maxconn 1\n`)
  .join("");

function textOf(rules: string): string {
  return `frontend in\n mode http\n${rules}\n${BACKENDS}`;
}

/** Which pool a request gets, by the Worker's own rules. */
function poolOf(rules: string, url: string): string | undefined {
  const { pools } = convertHaproxy(textOf(rules));
  const { host, pathname } = new URL(`http://${url}`);
  return poolFor(configOf(pools), host, pathname)?.name;
}

function configOf(pools: PoolTable[]): Config {
  const toml = wranglerToml({ worker: "sluice", packageName: "sluice-queue", route: null, pools });
  return parseConfig(valueAt(readToml(toml), ["vars"]) as object);
}

describe("a request goes to the pool of the backend that it went to", () => {
  test.each([
    ["use_backend a if { hdr(host) -i A.test }\ndefault_backend b", "a.test/", "a"],
    ["use_backend a if { hdr(host) -i a.test b.test }\ndefault_backend b", "b.test/", "a"],
    ["use_backend a if { req.hdr(host),lower -m str a.test }\ndefault_backend b", "a.test/", "a"],
    ["use_backend a if { req.hdr(host),field(1,:) -i a.test }\ndefault_backend b", "a.test/", "a"],
    ["use_backend a if { hdr(host) -i a.test:8080 }\ndefault_backend b", "a.test/", "a"],
    ["use_backend a if { hdr_end(host) -i .a.test }\ndefault_backend b", "x.a.test/", "a"],
    ["use_backend a if { hdr_end(host) -i .a.test }\ndefault_backend b", "a.test/", "b"],
    ["use_backend a if { hdr_dom(host) -i a.test }\ndefault_backend b", "www.a.test/", "a"],
    ["use_backend a if { hdr_reg(host) -i ^a\\.test(:[0-9]+)?$ }\ndefault_backend b", "a.test/", "a"],
    ["use_backend a if { ssl_fc_sni a.test }\ndefault_backend b", "a.test/", "a"],
    ["use_backend a if { path_beg /api }\ndefault_backend b", "x.test/api/1", "a"],
    ["use_backend a if { path_beg /api }\ndefault_backend b", "x.test/", "b"],
    ["use_backend a if { path -m beg /api/ }\ndefault_backend b", "x.test/api/1", "a"],
    ["use_backend a if { path_reg ^/api/.* }\ndefault_backend b", "x.test/api/1", "a"],
    ["use_backend a if { base_beg a.test/api }\ndefault_backend b", "a.test/api", "a"],
    [
      "acl h hdr(host) -i a.test\nacl p path_beg /api\nuse_backend a if h p\ndefault_backend b",
      "a.test/api",
      "a",
    ],
    [
      "acl h hdr(host) -i a.test\nacl p path_beg /api\nuse_backend a if h p\ndefault_backend b",
      "a.test/",
      "b",
    ],
    [
      "acl h hdr(host) -i a.test\nacl h hdr(host) -i b.test\nuse_backend a if h\ndefault_backend b",
      "b.test/",
      "a",
    ],
    [
      "acl x hdr(host) a.test\nacl y hdr(host) b.test\nuse_backend a if x or y\ndefault_backend b",
      "b.test/",
      "a",
    ],
    [
      "acl x hdr(host) a.test\nacl y hdr(host) b.test\nuse_backend a if x || y\ndefault_backend b",
      "a.test/",
      "a",
    ],
    ["use_backend a\ndefault_backend b", "x.test/", "a"],
    // The first rule wins there, the most specific one here.
    [
      "use_backend a if { path_beg /api }\nuse_backend b if { hdr(host) h.test }\ndefault_backend c",
      "h.test/api",
      "a",
    ],
    [
      "use_backend a if { path_beg /api }\nuse_backend b if { hdr(host) h.test }\ndefault_backend c",
      "h.test/",
      "b",
    ],
    [
      "use_backend c if { hdr_end(host) .h.test } { path_beg /api/v2 }\nuse_backend a if { path_beg /api }\n" +
        "use_backend c if { hdr(host) x.h.test }\nuse_backend c if { hdr_end(host) .h.test }",
      "x.h.test/api/v2",
      "c",
    ],
    [
      "use_backend a if { path_beg /api }\nuse_backend b if { path_beg /api/v2 }\ndefault_backend c",
      "h.test/api/v2",
      "a",
    ],
  ])("by %j", (rules, url, expected) => {
    expect(poolOf(rules, url)).toBe(expected);
  });
});

describe("a backend of several prefixes", () => {
  test("is one pool with a list of them", () => {
    const text = textOf("use_backend a if { path_beg /x /y }\ndefault_backend b");
    expect(convertHaproxy(text).pools[0]).toMatchObject({ hosts: ["*"], pathPrefixes: ["/x", "/y"] });
    expect(said(text, "path_beg")).toEqual(["became: */x → pool a", "became: */y → pool a"]);
    expect(poolOf("use_backend a if { path_beg /x /y }\ndefault_backend b", "h.test/y/1")).toBe("a");
  });

  test.each([
    ["default_backend a", "use_backend a if { path_beg /api/v2 }\nuse_backend b if { path_beg /api }"],
    ["use_backend a", "use_backend a if { path_beg /api/v2 }\nuse_backend b if { path_beg /api }"],
  ])("keeps a narrow rule beside `%s`", (last, rules) => {
    const text = textOf(`${rules}\n${last}`);
    const { pools, remarks } = convertHaproxy(text);
    expect(pools.find(({ name }) => name === "a")).toMatchObject({
      hosts: ["*"],
      pathPrefixes: expect.arrayContaining(["/", "/api/v2"]),
    });
    expect(remarks.filter(({ verdict }) => verdict === "lost")).toEqual([]);
    for (const [path, expected] of Object.entries({ "/": "a", "/api/v2": "a", "/api": "b" }))
      expect(poolOf(`${rules}\n${last}`, `h.test${path}`)).toBe(expected);
  });
});

describe("for any rules by host and path", () => {
  const HOSTS = ["{ hdr(host) a.test }", "{ hdr(host) x.a.test }", "{ hdr_end(host) .a.test }", ""];
  const PATHS = ["{ path_beg /api }", "{ path_beg /api/v2 }", ""];
  const URLS = ["a.test", "x.a.test", "y.a.test", "b.test"].flatMap((host) =>
    ["/", "/api", "/api/v2", "/apis"].map((path) => `${host}${path}`),
  );
  const rule = fc.record({
    host: fc.constantFrom(...HOSTS),
    path: fc.constantFrom(...PATHS),
    backend: fc.constantFrom("a", "b", "c"),
  });

  test("each request goes where HAProxy's first rule sends it, or some rule is said to be lost", () => {
    let compared = 0;
    const compare = (rules: { host: string; path: string; backend: string }[]) => {
      const text = textOf(
        rules.map(({ host, path, backend }) => `use_backend ${backend} if TRUE ${host} ${path}`).join("\n"),
      );
      const { pools, remarks } = convertHaproxy(text);
      if (remarks.some(({ verdict }) => verdict === "lost")) return;
      compared++;
      const config = configOf(pools);
      for (const url of URLS) {
        const first = rules.find(({ host, path }) => fits(url, host, path));
        const [host = "", ...segments] = url.split("/");
        expect(poolFor(config, host, `/${segments.join("/")}`)?.name, url).toBe(first?.backend);
      }
    };
    fc.assert(fc.property(fc.array(rule, { minLength: 1, maxLength: 6 }), compare), { numRuns: 1000 });
    expect(compared).toBeGreaterThan(500);
  });

  function fits(url: string, host: string, path: string): boolean {
    const name = url.replace(/\/.*/, "");
    const exact = /\(host\) (\S+)/.exec(host)?.[1] ?? name;
    const isHost = host.includes("hdr_end") ? name.endsWith(exact) : name === exact;
    return isHost && url.slice(name.length).startsWith(/(\/\S*)/.exec(path)?.[1] ?? "");
  }
});

describe("a rule that pools cannot express is said to be lost", () => {
  test.each([
    ["use_backend a if { src 10.0.0.0/8 }", 'Sluice tells requests apart by host and path, not by "src"'],
    ["use_backend a if !{ hdr(host) a.test }", "a pool cannot say which requests are not its own"],
    ["use_backend a unless { hdr(host) a.test }", "a pool cannot say which requests are not its own"],
    ["use_backend %[req.hdr(host),lower]", "a pool is named by hosts and a path, not computed"],
    ["use_backend nowhere if { hdr(host) a.test }", 'there is no pool "nowhere"'],
    ["use_backend a if { path_end .php }", 'a pool has the beginning of a path, not end ".php"'],
    ["use_backend a if { hdr_beg(host) -i img }", 'hosts are exact, "*.example.com" or "*", not beg "img"'],
  ])("%s", (rule, why) => {
    expect(said(textOf(`${rule}\ndefault_backend b`), rule)).toEqual([`lost: ${why}`]);
  });

  test("and its pool gets a host that nobody has, for the user to replace", () => {
    const { pools } = convertHaproxy(textOf("use_backend a if { src 10.0.0.0/8 }\ndefault_backend b"));
    expect(pools.map(({ name, hosts }) => [name, hosts])).toEqual([
      ["a", ["a.invalid"]],
      ["b", ["*"]],
    ]);
  });

  test("where a pool would serve each of its hosts with each of its prefixes, and take what is another's", () => {
    const narrow = "use_backend a if { hdr(host) h.test } { path_beg /x }";
    const rules = `${narrow}\nuse_backend a if { hdr(host) i.test } { path_beg /yy }`;
    const text = textOf(`${rules}\ndefault_backend b`);
    expect(convertHaproxy(text).pools[0]).toMatchObject({ hosts: ["h.test"], pathPrefixes: ["/x"] });
    expect(said(text, narrow)).toEqual(["became: h.test/x → pool a"]);
    expect(said(text, "/yy")).toEqual([
      "lost: i.test/yy → a: a pool serves each of its hosts with each of its prefixes, which would take requests of " +
        "others; pool b gets them",
    ]);
  });

  test("where it names more hosts or paths than are converted", () => {
    const [hosts, paths] = [".test", ""].map((end) =>
      Array.from({ length: 30 }, (_, n) => `${end ? "h" : "/p"}${n}${end}`),
    );
    const rules = [
      `use_backend a if { hdr(host) ${Array.from({ length: 501 }, (_, n) => `h${n}.test`).join(" ")} }`,
      `use_backend a if { hdr(host) ${hosts?.join(" ")} } { path_beg ${paths?.join(" ")} }`,
    ];
    for (const rule of rules) {
      expect(said(textOf(`${rule}\ndefault_backend b`), rule)).toContain(
        "lost: more than 500 hosts and paths in one condition: those behind them are left out",
      );
    }
  });

  test("and where nobody gets its requests then, that is said", () => {
    const rules = ["h", "i"].map(
      (name) => `use_backend a if { hdr(host) ${name}.test } { path_beg /${name} }`,
    );
    expect(said(textOf(rules.join("\n")), "i.test").join()).toContain("no pool gets them");
  });

  test("where two frontends differ by their ports only", () => {
    const text = `frontend one\n mode http\n bind :80\n default_backend a\nfrontend two\n mode http\n bind :81\n default_backend b\n${BACKENDS}`;
    expect(convertHaproxy(text).pools.map(({ hosts }) => hosts)).toEqual([["*"], ["b.invalid"]]);
    expect(said(text, "default_backend b").join()).toContain("frontends are told apart by port");
  });
});
