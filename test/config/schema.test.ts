import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { buildSchema } from "../../scripts/build-schema.ts";
import { inputSchema } from "../../scripts/schema/json-schema.ts";
import { readToml } from "../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../src/cli/wrangler-file/tree.ts";
import { PLATFORM_JSON } from "../cli/wrangler-file/support.ts";
import { documents, read } from "../docs/documents.ts";
import { fencesOf } from "../docs/markdown.ts";
import { KEYS } from "./keys.ts";
import { problemsOf, SERVERS, web } from "./support.ts";

interface Part {
  description?: string;
  properties?: Record<string, Part>;
  items?: Part;
  anyOf?: Part[];
}

let folder: string;
let schema: { definitions: Record<string, Part>; [keyword: string]: unknown };
let validate: ValidateFunction;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-schema-"));
  await buildSchema(folder);
  schema = JSON.parse(readFileSync(join(folder, "wrangler.schema.json"), "utf8"));
  // What editors know besides JSON Schema.
  const keywords = [
    "markdownDescription",
    "patternErrorMessage",
    "allowTrailingCommas",
    "x-intellij-html-description",
  ];
  // wrangler's part has types in lists and formats.
  validate = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    strictTypes: false,
    validateFormats: false,
    keywords,
  }).compile(schema);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What an editor marks in a whole file: `/vars/POOLS/web: must …`. */
function marksOf(file: unknown): string[] {
  validate(file);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

const marksIn = (pools: unknown) => marksOf({ ...PLATFORM_JSON, vars: { POOLS: pools } });

/** A part of a wrangler.toml as an editor sees it. */
const tomlOf = (text: string) => valueAt(readToml(text), []);

describe("the schema that editors check a wrangler.toml with", () => {
  test("refers to nothing outside itself", () => {
    const refs = [...JSON.stringify(schema).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref = ""]) => ref);
    expect(refs.length).toBeGreaterThan(20);
    expect(refs.filter((ref) => !ref.startsWith("#/definitions/"))).toEqual([]);
  });

  test("accepts the repository's own wrangler.toml", () => {
    expect(marksOf(tomlOf(read("wrangler.toml")))).toEqual([]);
  });

  test("accepts every configuration of the README and the documents", () => {
    const blocks = documents().flatMap((document) =>
      fencesOf(read(document))
        .filter(({ language }) => language === "toml")
        .map(({ text, line }) => ({ place: `${document}:${line}`, text })),
    );
    expect(blocks.length).toBeGreaterThan(10);
    const marks = blocks.flatMap(({ place, text }) =>
      marksOf(tomlOf(text)).map((mark) => `${place} ${mark}`),
    );
    expect(marks).toEqual([]);
  });

  test("checks pools in every environment, and in POOLS_2", () => {
    const wrong = web({ slots: 0 });
    const file = {
      ...PLATFORM_JSON,
      vars: { POOLS: web(), POOLS_2: wrong },
      env: { b: { vars: { POOLS: wrong } } },
    };
    expect(marksOf(file)).toEqual([
      expect.stringMatching(/^\/env\/b\/vars\/POOLS\/web\/slots: must be >= 1/),
      expect.stringMatching(/^\/vars\/POOLS_2\/web\/slots: must be >= 1/),
    ]);
  });

  test("goes on to check what is wrangler's", () => {
    const file = { ...PLATFORM_JSON, compatibility_dat: "2026-11-17", vars: { POOLS: web(), OTHER: 7 } };
    expect(marksOf(file)).toEqual([expect.stringContaining('"additionalProperty":"compatibility_dat"')]);
    expect(marksOf({ ...file, compatibility_dat: undefined, main: 5 }).join()).toContain(
      "/main: must be string",
    );
  });

  test.each([
    ["a misspelt key", { queue_timout: "5m" }, '"additionalProperty":"queue_timout"'],
    [
      "a misspelt key of a server",
      { servers: [{ ...SERVERS[0], wieght: 2 }] },
      '"additionalProperty":"wieght"',
    ],
    [
      "a misspelt key of a table",
      { check: { path: "/", intervall: "1s" } },
      '"additionalProperty":"intervall"',
    ],
    ["a number for a duration", { queue_timeout: 30 }, "queue_timeout: must be string"],
    ["a duration without a unit", { queue_timeout: "30" }, "queue_timeout: must match pattern"],
    ["a duration that is too short", { queue_timeout: "0s" }, "queue_timeout: must NOT be valid"],
    ["a text for a number", { slots: "1" }, "slots: must be integer"],
    ["more objects than a pool may be", { shards: 65 }, "shards: must be <= 64"],
    ["an unknown word", { balance: "fastest" }, "balance: must be equal to one of the allowed values"],
    ["a key of no header", { balance: "hash:header:x session" }, "balance: must match pattern"],
    ["a flow of nothing", { flow: "ip" }, "flow: must match pattern"],
    [
      "a priority of no request",
      { priorities: [{ ahead: "1m" }] },
      "priorities/0: must have required property 'header'",
    ],
    [
      "a time ahead without a unit",
      { priorities: [{ method: "GET", ahead: "-1" }] },
      "ahead: must match pattern",
    ],
    ["a weight below 0", { servers: [{ ...SERVERS[0], weight: -1 }] }, "weight: must be >= 0"],
    [
      "a URL with a path",
      { servers: [{ name: "a", url: "https://a.example.com/x" }] },
      "url: must match pattern",
    ],
    ["a header that is Sluice's", { headers: { Host: "a" } }, "headers: property name must be valid"],
    ["a page for a refusal of the admin side", { pages: { forbidden: "PAGE" } }, "forbidden"],
    ["every path as a free one", { free_paths: ["/"] }, "free_paths/0: must NOT be valid"],
    ["credentials in the log", { log_headers: ["Cookie"] }, "log_headers/0: must NOT be valid"],
    ["a status that is not busy", { retry_on: [200] }, "retry_on/0: must be >= 400"],
    ["no server", { servers: [] }, "servers: must NOT have fewer than 1 items"],
  ])("marks %s", (_, keys, mark) => {
    expect(marksIn(web(keys)).join("\n")).toContain(mark);
  });

  test("marks a pool without servers, a pool's name that is none, and no pool at all", () => {
    expect(marksIn({ web: {} }).join()).toContain("must have required property 'servers'");
    expect(marksIn({ "a b": { servers: SERVERS } }).join()).toContain("property name must be valid");
    expect(marksIn({}).join()).toContain("must NOT have fewer than 1 properties");
  });
});

describe("of the variable ACCESS, the schema", () => {
  const ACCESS = {
    team: "acme.cloudflareaccess.com",
    aud: "4714c135",
    people: [{ group: "ops", may: ["*"] }],
  };
  const marksWith = (access: unknown) =>
    marksOf({ ...PLATFORM_JSON, vars: { POOLS: web(), ACCESS: access } }).join("\n");

  test("accepts what the Worker takes, its JSON too", () => {
    expect(marksWith(ACCESS)).toBe("");
    expect(marksWith(JSON.stringify(ACCESS))).toBe("");
    const people = [{ email: "*@acme.com", may: ["look", "drain"], pools: ["web"] }];
    expect(marksWith({ ...ACCESS, people })).toBe("");
  });

  test.each([
    ["a misspelt key", { ...ACCESS, peopel: [] }, '"additionalProperty":"peopel"'],
    ["an unknown right", { ...ACCESS, people: [{ group: "ops", may: ["read"] }] }, "may/0: must be equal"],
    ["nobody", { ...ACCESS, people: [] }, "people: must NOT have fewer than 1 items"],
    ["a number for the audience", { ...ACCESS, aud: 5 }, "aud: must be string"],
  ])("marks %s", (_, access, mark) => {
    expect(marksWith(access)).toContain(mark);
  });
});

test("a value of which a schema would say nothing is noticed when it is built", () => {
  expect(() => inputSchema(z.custom<string>(), "draft-07")).toThrow("nothing is said of a custom");
});

describe("of a key that the Worker reads, the schema", () => {
  const taken = KEYS.flatMap(({ key, takes }) => takes.map(([given]) => ({ key, given })));
  const refused = KEYS.flatMap(({ key, refuses }) => refuses.map(([given]) => ({ key, given })));

  test.each(taken)("accepts $key = $given", ({ key, given }) => {
    expect(marksIn(web({ [key]: given }))).toEqual([]);
  });

  test("marks whatever the Worker refuses, but for limits of durations and sizes", () => {
    const unmarked = refused.filter(({ key, given }) => marksIn(web({ [key]: given })).length === 0);
    expect([...new Set(unmarked.map(({ given }) => given))].sort()).toEqual(["25h", "65MiB"]);
  });

  test.each([
    ["a duration that is too long", { queue_timeout: "25h" }],
    ["a duration that is too short, and is some", { check: { path: "/", interval: "99ms" } }],
    ["a size that is too large", { buffer_request: "65MiB" }],
    ["two servers of one name", { servers: [...SERVERS, { ...SERVERS[0], url: "https://b.example.com" }] }],
    ["two servers at one URL", { servers: [...SERVERS, { ...SERVERS[0], name: "b" }] }],
    ["a binding that the Worker does not have", { servers: [{ ...SERVERS[0], binding: "NONE" }] }],
    ["a page of no variable", { pages: { stopped: {} } }],
    ["a page of a variable that is not there", { pages: { stopped: "PAGE_NONE" } }],
    ["a free path with an encoded slash", { free_paths: ["/static%2f"] }],
    ["a limit of flows without flows", { max_queue_per_flow: 1 }],
    ["a priority with the value of nothing", { priorities: [{ method: "GET", value: "a", ahead: "1m" }] }],
    ["a host that is none by its labels", { hosts: ["a..example.com"] }],
    ["a path that comes in another spelling", { path_prefix: "/%2e/" }],
  ])("cannot mark %s: that is for `sluice check`", (_, keys) => {
    expect(problemsOf(web(keys))).not.toEqual([]);
    expect(marksIn(web(keys))).toEqual([]);
  });

  test("has its description and, where there is one, its default", () => {
    const bare = missing(schema.definitions.SluicePool ?? {});
    // A secret's name is explained where `headers` are, and the kinds of a page where `pages` are.
    const elsewhere = /(?:^|\.)headers\.secret$|^pages\.[^.]+\.(?:html|json)$/;
    expect(bare.filter((path) => !elsewhere.test(path))).toEqual([]);
    const { queue_timeout, hosts } = schema.definitions.SluicePool?.properties ?? {};
    expect(queue_timeout).toMatchObject({
      default: "10m",
      description: expect.stringContaining('Default: `"10m"`'),
    });
    expect(hosts).toMatchObject({ default: ["*"] });
  });

  /** The keys, however deep, without a description. */
  function missing({ properties = {}, items, anyOf = [] }: Part, path = ""): string[] {
    const own = Object.entries(properties).flatMap(([key, part]) => [
      ...(part.description ? [] : [`${path}${key}`]),
      ...missing(part, `${path}${key}.`),
    ]);
    return [...own, ...[...(items ? [items] : []), ...anyOf].flatMap((part) => missing(part, path))];
  }
});

/** Text that is often right, and otherwise nearly. */
const scraps = (...parts: string[]) =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...parts) },
      fc.constantFrom(..."/:.*%@#?[]\"<>^`{|}~\\'-_ $&+,;=aZ09ü"),
    ),
    {
      maxLength: 6,
    },
  );
const textOf = (...parts: string[]) => scraps(...parts).map((them) => them.join(""));

const texts: [string, fc.Arbitrary<unknown>][] = [
  ["path_prefix", textOf("/", "/a", "..", "%2e").map((text) => `/${text}`)],
  ["hosts", textOf("a", ".com", "*.", "[::1]", "[::A]").map((text) => [text])],
  ["check", textOf("/", "a?", "b=c", "..").map((text) => ({ path: `/${text}` }))],
  ["check", textOf("2xx", "404", ",", " ", "5xx").map((status) => ({ path: "/", status }))],
  // With a whole one among them, or too few in a thousand are right.
  ["queue_timeout", textOf("1", ".5", "ms", "s", "h", "2s")],
  ["buffer_request", textOf("1", ".5", "B", "KiB", "MiB", "0")],
  ["servers", textOf("a", ".b", ":80", "/", "[::1]").map((text) => [{ name: "a", url: `HTTPS://${text}` }])],
  ["servers", textOf("a", "B.1").map((name) => [{ ...SERVERS[0], name }])],
  ["headers", fc.dictionary(textOf("X-", "Cf", "host"), textOf("a", "b c"), { noNullPrototype: true })],
  ["headers", textOf("KEY", "_1").map((secret) => ({ "X-Key": { secret } }))],
  ["flow", textOf("address", "header", ":", "x-a", "cookie", "query:k")],
  ["priorities", textOf("gold", " ").map((value) => [{ header: "x-plan", value, ahead: "1m" }])],
  ["priorities", textOf("-", "1m", "2s").map((ahead) => [{ method: "GET", ahead }])],
  ["retry_on", textOf("503", " busy", "\n").map((text) => [text])],
  ["retry_on", fc.integer({ min: 300, max: 700 }).map((status) => [status])],
  ["deferred", textOf("POST", "CONNECT").map((method) => ({ methods: [method] }))],
  ["deferred", textOf("https://", "a.com").map((webhook) => ({ webhooks: [webhook] }))],
  [
    "server_timeout",
    fc.oneof(
      textOf("1", "m"),
      textOf("1", "s").map((between) => ({ between })),
    ),
  ],
];

test.each(texts)("whatever text of %s the Worker takes, no editor marks it (%#)", (key, arbitrary) => {
  let taken = 0;
  fc.assert(
    fc.property(arbitrary, (given) => {
      const pools = web({ [key]: given });
      const secrets = problemsOf(pools).filter((problem) => !problem.includes("there is no secret"));
      if (secrets.length > 0) return;
      taken++;
      expect(marksIn(pools)).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
  expect(taken).toBeGreaterThan(10);
});
