/** What docs/haproxy.md says that Sluice has, held against what it has. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { familiesOf } from "../../src/admin/metrics/families.ts";
import { whyNot } from "../../src/cli/init/haproxy/keywords.ts";
import { SETTINGS } from "../../src/cli/init/haproxy/pool-keys.ts";
import { readPools } from "../../src/config/parse.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { settings } from "../scheduler/settings.ts";
import { ROOT, read } from "./documents.ts";
import { codeIn, tableBelow } from "./markdown.ts";

const PAGE = "docs/haproxy.md";
const OF_HAPROXY = [
  "### Routing",
  "### Servers",
  "### Queue",
  "### Balance and stickiness",
  "### Checks",
  "### Timeouts and retries",
  "### Errors",
  "### Logs and metrics",
  "### Runtime API",
];
const rows = [...OF_HAPROXY, "## kamal-proxy", "## nginx"].flatMap((heading) =>
  tableBelow(read(PAGE), heading).map(([theirs = "", ours = ""]) => ({ heading, theirs, ours })),
);
const ours = rows.flatMap((row) => codeIn(row.ours));

/** The keys that a pool with a key that there is none of is told of, in the table of this path. */
function keysAt(wrong: object): string[] {
  const SERVERS = [{ name: "a", url: "https://a.example.com" }];
  const { problems } = readPools({ POOLS: { web: { servers: SERVERS, ...wrong } } });
  const [unknown] = problems.filter(({ text }) => text.startsWith("unknown key"));
  return unknown?.text.split("allowed: ")[1]?.split(", ") ?? [];
}

const NONE = { nonsense: 1 };
const TABLES = ["check", "pages", "quarantine", "deferred", "server_timeout"];
const KEYS = new Set([
  ...keysAt(NONE),
  ...keysAt({ servers: [{ name: "a", url: "https://a.example.com", ...NONE }] }),
  ...keysAt({ priorities: [NONE] }).map((key) => `priorities.${key}`),
  ...TABLES.flatMap((table) => keysAt({ [table]: NONE }).map((key) => `${table}.${key}`)),
]);

/** Words that are no keys: fields of the log and of the snapshot, states of a server, files, and words of the other column. */
const FIELDS = ["outcome", "code", "attempts", "address"];
const OTHERS = [
  ...FIELDS,
  "flows",
  "drain",
  "maint",
  "jq",
  "wrangler.toml",
  "maxconn",
  "enabled",
  "zone",
  "least_time",
];

describe("of what docs/haproxy.md names as ours", () => {
  test("every key is one of a pool, a server or a table of these", () => {
    const keys = ours.flatMap((code) => /^([a-z][a-z_]*(?:\.[a-z_]+)?)(?: = .*)?$/.exec(code)?.[1] ?? []);
    expect(keys.length).toBeGreaterThan(60);
    const isKey = (key: string) => KEYS.has(key) || KEYS.has(`check.${key}`) || key.startsWith("sluice_");
    expect(keys.filter((key) => !isKey(key) && !OTHERS.includes(key))).toEqual([]);
  });

  test("every value that is shown with its key is one that the key takes", () => {
    const shown = ours.filter((code) => /^[a-z_]+ = [^…]*$/.test(code));
    expect(shown.length).toBeGreaterThan(4);
    for (const code of shown) {
      const [, key = "", value = ""] = /^([a-z_]+) = (.*)$/.exec(code) ?? [];
      const given: unknown = JSON.parse(value);
      const server = { name: "a", url: "https://a.example.com" };
      const isOfServer = keysAt({ servers: [{ ...server, ...NONE }] }).includes(key) && key !== "slots";
      const isOfCheck = key === "slot";
      const pool = isOfServer
        ? { servers: [{ ...server, [key]: given }] }
        : { servers: [server], ...(isOfCheck ? { check: { path: "/", [key]: given } } : { [key]: given }) };
      expect(readPools({ POOLS: { web: pool } }).problems, code).toEqual([]);
    }
  });

  test("every command is there, and every option is one of a command's", () => {
    const files = readdirSync(join(ROOT, "src/cli/commands")).map((file) => file.replace(".ts", ""));
    const commands = ours.flatMap((code) => /^sluice ([a-z]+)/.exec(code)?.[1] ?? []);
    expect(commands.length).toBeGreaterThan(8);
    expect(commands.filter((command) => !files.includes(command))).toEqual([]);
    const texts = files.map((file) => read(`src/cli/commands/${file}.ts`)).join("\n");
    const options = ours.flatMap((code) => /^(--[a-z-]+)/.exec(code)?.[1] ?? []);
    expect(options.length).toBeGreaterThan(8);
    expect(options.filter((option) => !texts.includes(`"${option}`))).toEqual([]);
  });

  test("every metric is one", () => {
    const scheduler = new Scheduler(settings({ flow: "address" }), null, 0);
    const deferred = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0 };
    const snapshot = snapshotOf("web", scheduler, 0, deferred);
    const metrics = { snapshot, counts: scheduler.counters.tell() };
    const real = familiesOf([{ pool: "web", metrics }], 0).map(({ name }) => name);
    const named = ours.filter((code) => code.startsWith("sluice_"));
    expect(named.length).toBeGreaterThan(6);
    expect(named.filter((name) => !real.includes(name))).toEqual([]);
  });
});

describe("of what docs/haproxy.md lists of HAProxy", () => {
  test("every line of a proxy that has no key here is one that the converter knows, too", () => {
    const lines = rows.filter(
      ({ heading, ours }) => OF_HAPROXY.slice(0, -2).includes(heading) && /\*\*no\*\*/.test(ours),
    );
    const words = lines
      .flatMap(({ theirs }) => codeIn(theirs))
      .map((code) => code.split(" ").filter((word) => word !== "…"))
      .filter(([first = ""]) =>
        /^(option|http-request|http-check|capture|timeout|stick|errorloc|use-server)$/.test(first),
      );
    const isKnown = (given: string[]) =>
      whyNot({ number: 1, text: "", words: given }) !== undefined ||
      SETTINGS.has(given[0] ?? "") ||
      SETTINGS.has(given.slice(0, 2).join(" "));
    expect(words.length).toBeGreaterThan(12);
    expect(words.filter((given) => !isKnown(given) && given[1] !== "tcp-check")).toEqual([]);
  });
});
