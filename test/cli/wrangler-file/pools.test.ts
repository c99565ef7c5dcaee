import { describe, expect, test } from "vitest";
import { checkWranglerFile } from "../../../src/cli/wrangler-file/check.ts";
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

describe("POOLS_2", () => {
  const pool = (name: string, keys = "") =>
    `servers = [{ name = "${name}", url = "https://${name}.example.com" }]\npath_prefix = "/${name}/"\n${keys}`;

  test("holds pools as POOLS does, and so do others with any number", () => {
    const tables = `[vars.POOLS.a]\n${pool("a")}\n[vars.POOLS_2.b]\n${pool("b")}\n[vars.POOLS_9.c]\n${pool("c")}`;
    expect(checkWranglerFile(toml(tables), "toml")).toMatchObject({ findings: [], pools: 3, servers: 3 });
  });

  test("is named by what is wrong in it, with its own line", () => {
    const text = toml(`[vars.POOLS.a]\n${pool("a")}\n[vars.POOLS_2.b]\n${pool("b", "slots = 0 # here")}`);
    expect(findingsOf(text)).toMatchObject([
      { severity: "error", key: "vars.POOLS_2.b.slots", line: here(text) },
    ]);
  });

  test("is named by what surprises in it too", () => {
    const keys =
      'queue_timeout = "1s"\nserver_timeout = "10m"\nretry_on = [503]\non_client_abort = "cancel"\nquarantine = { cancel = "0s" }\ndeferred = { keep = "1s" }';
    const text = toml(`[vars.POOLS.a]\n${pool("a")}\n[vars.POOLS_2.b]\n${pool("b", keys)}`);
    const keysTold = findingsOf(text).map(({ key }) => key);
    expect(keysTold.length).toBeGreaterThan(5);
    expect(keysTold.filter((key) => !key?.startsWith("vars.POOLS_2.b"))).toEqual([]);
  });

  test("may not have a pool of POOLS again", () => {
    const text = toml(`[vars.POOLS.a]\n${pool("a")}\n[vars.POOLS_2.a] # here\n${pool("b")}`);
    expect(findingsOf(text)).toMatchObject([
      {
        key: "vars.POOLS_2.a",
        line: here(text),
        message: '"a" is in POOLS already; allowed: a name that no other pool has',
      },
    ]);
  });

  test("needs POOLS beside it", () => {
    expect(told(toml(`[vars.POOLS_2.b]\n${pool("b")}`))).toEqual([
      expect.stringMatching(/^error vars\.POOLS: missing; allowed: a table \[vars\.POOLS\.<name>\]/),
    ]);
  });

  test("with `deferred` needs the binding DEFERRED", () => {
    const POOLS = { a: { servers: [{ name: "a", url: "https://a.example.com" }], path_prefix: "/a" } };
    const POOLS_2 = {
      b: { servers: [{ name: "b", url: "https://b.example.com" }], check: { path: "/" }, deferred: {} },
    };
    const [first] = PLATFORM_JSON.durable_objects.bindings;
    const durable_objects = { ...PLATFORM_JSON.durable_objects, bindings: [first] };
    const text = JSON.stringify({ ...PLATFORM_JSON, durable_objects, vars: { POOLS, POOLS_2 } });
    expect(told(text, "json")).toEqual([
      expect.stringMatching(/^error durable_objects\.bindings: no binding DEFERRED/),
    ]);
  });

  test.each(["POOLS_", "POOLS_B", "POOLS2", "POOLS_2x"])("spelt %s is not read: a warning", (name) => {
    const text = toml(`[vars.POOLS.a]\n${pool("a")}\n[vars.${name}.b] # here\n${pool("b")}`);
    expect(findingsOf(text)).toMatchObject([
      {
        severity: "warning",
        key: `vars.${name}`,
        line: here(text),
        message: expect.stringContaining("POOLS_2"),
      },
    ]);
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

  test("is that of each variable by itself", () => {
    const { POOLS } = JSON.parse(sized(5 * 1024)).vars;
    const servers = POOLS.web.servers.map((server: { url: string }) => {
      return { ...server, url: server.url.replace("example", "exempla") };
    });
    const moved = { api: { ...POOLS.web, servers, path_prefix: `${POOLS.web.path_prefix}yy` } };
    const said = told(JSON.stringify({ ...PLATFORM_JSON, vars: { POOLS, POOLS_2: moved } }), "json");
    expect(said.filter((line) => line.startsWith("error"))).toEqual([
      expect.stringMatching(/^error vars\.POOLS_2: takes 5122 bytes as JSON/),
    ]);
  });

  test("is counted in bytes, not in characters", () => {
    const text = sized(5 * 1024).replace("xxx", "äöü");
    expect(told(text, "json").join("\n")).toContain("takes 5123 bytes");
  });
});
