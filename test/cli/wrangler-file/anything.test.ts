import fc from "fast-check";
import { expect, test } from "vitest";
import { checkWranglerFile } from "../../../src/cli/wrangler-file/check.ts";
import { findingsOf, PLATFORM_JSON, toml } from "./support.ts";

const kind = fc.constantFrom("toml" as const, "json" as const);
const longestDrainMs = fc.option(fc.nat(), { nil: undefined });

/** Lines that the parser accepts more often than random text. */
const line = fc.constantFrom(
  "[vars]",
  "[vars.POOLS.web]",
  "[[vars.POOLS.web.servers]]",
  "[[env.a.vars.POOLS.b.servers]]",
  "[env.a]",
  "[[env]]",
  "[__proto__]",
  "[env.__proto__.vars.POOLS]",
  'name = "a"',
  'url = "http://a.example.com"',
  "routes = [1, { pattern = 1 }, '*/*']",
  "route = { pattern = '*', zone_name = 5 }",
  "vars = [[]]",
  "env = 1979-05-27",
  "POOLS = 1e400",
  "constructor.toString = nan",
  "{",
  '"vars": { "POOLS": {',
  '"env": [{}],',
  "}",
  "// x",
);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(line).map((lines) => lines.join("\n")),
);

test("any text gives findings or none, and never an exception", () => {
  fc.assert(
    fc.property(text, kind, longestDrainMs, (given, as, longest) => {
      for (const finding of checkWranglerFile(given, as, { longestDrainMs: longest }).findings) {
        expect(finding.message).not.toBe("");
        expect(finding.line === null || finding.line >= 1).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

const junk = fc.oneof(
  { weight: 9, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  // String() throws for the first; `toJSON` of the second is no function, and JSON.stringify() must ignore it.
  fc.constantFrom<unknown>({ toString: 1 }, { toJSON: 1 }),
);
const whatever = (...keys: string[]) =>
  fc.record(Object.fromEntries(keys.map((key) => [key, junk])), { requiredKeys: [] });
const settings = {
  vars: fc.oneof(whatever("POOLS", "ADMIN_HOST", "ADMIN_TOKEN"), junk),
  durable_objects: fc.oneof(whatever("bindings", "code_update_strategy"), junk),
  migrations: fc.oneof(fc.array(whatever("new_sqlite_classes", "renamed_classes")), junk),
  routes: fc.oneof(fc.array(whatever("pattern", "custom_domain", "zone_name")), junk),
  ...Object.fromEntries(
    ["route", "name", "compatibility_date", "compatibility_flags", "observability", "exports"].map((key) => [
      key,
      junk,
    ]),
  ),
};
const file = fc.record(
  { ...settings, env: fc.oneof(fc.dictionary(fc.string(), fc.record(settings, { requiredKeys: [] })), junk) },
  { requiredKeys: [] },
);

test("any JSON in wrangler's keys gives findings or none, each at a line of the file", () => {
  fc.assert(
    fc.property(file, (given) => {
      const pretty = JSON.stringify(given, null, 1);
      const lines = pretty.split("\n").length;
      for (const { line: at } of findingsOf(pretty, "json")) expect(at ?? 1).toBeLessThanOrEqual(lines);
    }),
    { numRuns: 500 },
  );
});

const duration = fc
  .tuple(fc.integer({ min: 1, max: 1000 }), fc.constantFrom("ms", "s", "m"))
  .map((it) => it.join(""));
const soundServer = {
  slots: fc.integer({ min: 1, max: 1000 }),
  weight: fc.integer({ min: 0, max: 256 }),
  backup: fc.boolean(),
};
const soundPool = fc.record(
  {
    servers: fc.array(fc.record(soundServer, { requiredKeys: [] }), { minLength: 1, maxLength: 4 }),
    path_prefix: fc.constantFrom("/", "/a", "/b/"),
    shards: fc.integer({ min: 1, max: 64 }),
    balance: fc.constantFrom("roundrobin", "leastconn", "first", "hash:path", "hash:header:X-Session"),
    slow_start: duration,
    max_queue: fc.integer({ min: 0, max: 1_000_000 }),
    queue_timeout: duration,
    drain_expires: duration,
    redispatch: fc.boolean(),
    check: fc.constantFrom({ path: "/up?a=b" }, { path: "/", status: "2xx,404", rise: 1 }),
    quarantine: fc.constantFrom({}, { max: "1s", probe: "/idle" }),
  },
  { requiredKeys: ["servers"] },
);
/** Names, hosts and URLs by number, so that they do not collide. */
const soundPools = fc.array(soundPool, { minLength: 1, maxLength: 4 }).map((pools) =>
  Object.fromEntries(
    pools.map((pool, n) => [
      n === 0 ? "constructor" : `pool.${n}`,
      {
        ...pool,
        hosts: [`p${n}.example.com`],
        servers: pool.servers.map((server, m) => ({
          name: `s${m}`,
          url: `https://s${m}-${n}.example.com`,
          ...server,
        })),
      },
    ]),
  ),
);

/** JSON's strings, numbers and booleans are valid TOML. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key} = ${inline(one)}`)
    .join(", ")} }`;
}

function asTables(pools: Record<string, object>): string {
  return Object.entries(pools)
    .map(([name, pool]) => {
      const { servers, ...keys } = pool as { servers: object[] };
      const header = `vars.POOLS.${JSON.stringify(name)}`;
      const lines = (table: object) =>
        Object.entries(table)
          .map(([key, one]) => `${key} = ${inline(one)}\n`)
          .join("");
      return `[${header}]\n${lines(keys)}${servers.map((one) => `[[${header}.servers]]\n${lines(one)}`).join("")}`;
    })
    .join("");
}

function asInline(pools: Record<string, object>): string {
  const lines = Object.entries(pools).map(([name, pool]) => `${JSON.stringify(name)} = ${inline(pool)}\n`);
  return `[vars.POOLS]\n${lines.join("")}`;
}

test("right pools give no error, whether written as JSON, as TOML's tables or in its lines", () => {
  fc.assert(
    fc.property(soundPools, (POOLS) => {
      const json = JSON.stringify({ ...PLATFORM_JSON, vars: { POOLS } });
      const results = [
        checkWranglerFile(json, "json"),
        checkWranglerFile(toml(asTables(POOLS)), "toml"),
        checkWranglerFile(toml(asInline(POOLS)), "toml"),
      ];
      for (const { findings, pools, servers } of results) {
        expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
        expect(pools).toBe(Object.keys(POOLS).length);
        expect(servers).toBe(Object.values(POOLS).reduce((sum, pool) => sum + pool.servers.length, 0));
      }
    }),
    { numRuns: 300 },
  );
});
