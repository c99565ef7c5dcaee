/** What the documents list, held against the code: a key, a code or a metric that is new is also told of. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listAudit } from "../../src/admin/audit.ts";
import { drainBody, resumeBody, serverBody, stopBody } from "../../src/admin/bodies.ts";
import { listDeferred } from "../../src/admin/deferred.ts";
import { familiesOf } from "../../src/admin/metrics/families.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { readToml } from "../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../src/cli/wrangler-file/tree.ts";
import { parseConfig, readPools } from "../../src/config/parse.ts";
import type { PoolConfig } from "../../src/config/types.ts";
import { pauseMs } from "../../src/deferred/webhook.ts";
import type { Act } from "../../src/link/act.ts";
import { drainAsked } from "../../src/link/asked.ts";
import { CHANGES } from "../../src/link/audit.ts";
import type { DeferredEntry } from "../../src/link/deferral.ts";
import type { Env } from "../../src/link/env.ts";
import { Audit } from "../../src/pool/audit.ts";
import { Lookout } from "../../src/pool/lookout.ts";
import { Refusal, type RefusalCode } from "../../src/refusals/refusal.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { snapshotOf } from "../../src/scheduler/snapshot.ts";
import { POOL_STATES } from "../../src/words/phrases.ts";
import { settings } from "../scheduler/settings.ts";
import { shardWith } from "../support/snapshots.ts";
import { ROOT, read, sources } from "./documents.ts";
import { codeIn, fencesOf, tableBelow } from "./markdown.ts";

/** Of a pool that stores requests, and has none. */
const NO_DEFERRED = { queued: 0, running: 0, answered: 0, failed: 0, oldestMs: 0 };

/** What a part of the code lists, where its types are gone at run time. */
function listed(code: string, pattern: RegExp): string[] {
  const found = [...code.matchAll(pattern)].map(([, name = ""]) => name);
  if (found.length === 0) throw new Error(`nothing like ${pattern} is listed in ${code}`);
  return found;
}

/** The text of an exported type, wherever it is. */
function declared(name: string): string {
  const files = sources().filter((file) => /^src\/.*\.ts$/.test(file));
  const declaration = new RegExp(`^export (?:type|const) ${name} =.*?;$`, "ms");
  const texts = files.flatMap((file) => declaration.exec(read(file))?.[0] ?? []);
  if (texts.length !== 1) throw new Error(`${name} is declared ${texts.length} times`);
  return texts[0] as string;
}

/** The code in the first cells of a table. */
const named = (document: string, heading: string) =>
  tableBelow(read(document), heading).flatMap(([first = ""]) => codeIn(first));

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}

describe("docs/configuration.md", () => {
  const CONFIGURATION = "docs/configuration.md";
  const SERVERS = [{ name: "web-1", url: "https://web-1.example.com" }];
  const HEADINGS = [
    "### Which requests",
    "### Servers and slots",
    "### The waiting list",
    "### Who goes first",
    "### Deferred requests",
    "### Time limits",
    "### Retries",
    "### Health",
    "### Requests that are cut off",
    "### Bodies and headers",
    "### Free paths",
    "### Own pages",
    "### Log and trace",
  ];
  const rows = HEADINGS.flatMap((heading) => tableBelow(read(CONFIGURATION), heading)).map(
    ([key = "", value = ""]) => ({ key: codeIn(key)[0] ?? "", value: codeIn(value)[0] }),
  );

  test("has a row for each key of a pool, and for nothing else", () => {
    const { problems } = readPools({ POOLS: { web: { servers: SERVERS, nonsense: 1 } } });
    const keys = problems[0]?.text.split("allowed: ")[1]?.split(", ") ?? [];
    expect(keys.length).toBeGreaterThan(20);
    expect(sorted(rows.map(({ key }) => key))).toEqual(sorted(keys));
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
  });

  test("has the default of each", () => {
    const withDefaults = rows.filter(({ key, value }) => value !== undefined && key !== "servers");
    expect(withDefaults.length).toBeGreaterThan(15);
    const usual = parseConfig({ POOLS: { web: { servers: SERVERS } } });
    for (const { key, value } of withDefaults) {
      const given = valueAt(readToml(`given = ${value}`), ["given"]);
      expect(parseConfig({ POOLS: { web: { servers: SERVERS, [key]: given } } }), key).toEqual(usual);
    }
  });

  test("has every key of a quarantine", () => {
    const { problems } = readPools({ POOLS: { web: { servers: SERVERS, quarantine: { nonsense: 1 } } } });
    const keys = problems[0]?.text.split("allowed: ")[1]?.split(", ") ?? [];
    const table = tableBelow(
      read(CONFIGURATION).replace(/^.*closes a slot whose server/m, "### q\n"),
      "### q",
    );
    expect(table.flatMap(([first = ""]) => codeIn(first))).toEqual(keys);
  });
});

test("docs/configuration.md has every key of an entry of `priorities`", () => {
  const [, text = ""] = /\n(\| key of `priorities` \|.*?)\n\n/s.exec(read("docs/configuration.md")) ?? [];
  const keys = tableBelow(`\n### p\n${text}\n`, "### p").map(([key = ""]) => codeIn(key)[0]);
  const { problems } = readPools({
    POOLS: {
      web: { servers: [{ name: "a", url: "https://a.example.com" }], priorities: [{ nonsense: 1 }] },
    },
  });
  const unknown = problems.find(({ text: said }) => said.startsWith("unknown key"));
  expect(keys).toEqual(unknown?.text.split("allowed: ")[1]?.split(", "));
});

describe("what docs/configuration.md says of `deferred`", () => {
  const [, text = ""] = /\n(\| key of `deferred` \|.*?)\n\n/s.exec(read("docs/configuration.md")) ?? [];
  const rows = tableBelow(`\n### d\n${text}\n`, "### d").map(([key = "", value = ""]) => ({
    key: codeIn(key)[0] ?? "",
    value: codeIn(value)[0] ?? "",
  }));
  const pool = (deferred: unknown) => ({
    POOLS: { web: { servers: [{ name: "web-1", url: "https://web-1.example.com" }], deferred } },
  });

  test("is every key of it", () => {
    const { problems } = readPools(pool({ nonsense: 1 }));
    expect(rows.map(({ key }) => key)).toEqual(problems[0]?.text.split("allowed: ")[1]?.split(", "));
  });

  test("is the default of each", () => {
    for (const { key, value } of rows) {
      const given = valueAt(readToml(`given = ${value}`), ["given"]);
      expect(parseConfig(pool({ [key]: given })), key).toEqual(parseConfig(pool({})));
    }
  });
});

describe("docs/deferred.md", () => {
  const DEFERRED = "docs/deferred.md";

  test("has every state, and every code with its status", () => {
    const [refused, ended] = [tableBelow(read(DEFERRED), "## What a client sees"), endsOf(read(DEFERRED))];
    const states = ended.flatMap(([, state = ""]) => codeIn(state));
    expect(sorted(states)).toEqual(
      sorted(listed(declared("END_STATES"), /"([a-z]+)"/g).concat("queued", "running")),
    );
    const told = [
      ...refused.map(([code = "", status = ""]) => `${Number.parseInt(status, 10)} ${codeIn(code)[0]}`),
      ...ended.flatMap(([, , response = ""]) =>
        [...response.matchAll(/(\d{3}) `([a-z-]+)`/g)].map(([, status, code]) => `${status} ${code}`),
      ),
    ];
    expect(told.length).toBeGreaterThan(12);
    for (const one of told) {
      const [status, code] = one.split(" ");
      expect(new Refusal(code as RefusalCode, "").status, code).toBe(Number(status));
    }
    const ofDeferred = tableBelow(read("docs/failures.md"), "### Of deferred requests");
    const codes = told.map((one) => one.split(" ")[1] ?? "");
    expect(ofDeferred.flatMap(([code = ""]) => codeIn(code)).filter((code) => !codes.includes(code))).toEqual(
      [],
    );
  });

  test("has when a webhook is tried again", () => {
    const pauses = [...Array(99).keys()]
      .map((n) => pauseMs(n + 1, () => 0.5))
      .filter((pause) => pause !== null);
    const [, after = ""] = /is tried again after (.*?): nine times/s.exec(read(DEFERRED)) ?? [];
    const said = [...after.matchAll(/(\d+) (s|min|h)/g)].map(
      ([, count, unit]) => Number(count) * { s: 1_000, min: 60_000, h: 3_600_000 }[unit as "s" | "min" | "h"],
    );
    expect(said).toEqual(pauses);
    expect(pauses).toHaveLength(9 - 1);
  });
});

/** What becomes of a request that is accepted: the section's second table. */
function endsOf(text: string): string[][] {
  return tableBelow(text.replace("What becomes of one that is accepted:", "### ends\n"), "### ends");
}

describe("every refusal", () => {
  const REFUSALS = "src/refusals/refusal.ts";
  const rows = [
    ...tableBelow(read("docs/failures.md"), "## Refusals"),
    ...tableBelow(read("docs/failures.md"), "### Of deferred requests"),
    ...tableBelow(read("docs/admin-api.md"), "## Refusals"),
  ].map(([code = "", status = ""]) => ({ code: codeIn(code)[0] ?? "", status: Number.parseInt(status, 10) }));

  test("is in docs/failures.md or docs/admin-api.md", () => {
    const codes = listed(read(REFUSALS), /^ {2}"?([a-z-]+)"?: \{/gm);
    expect(sorted(rows.map(({ code }) => code))).toEqual(sorted(codes));
  });

  test("has its status there", () => {
    for (const { code, status } of rows)
      expect(new Refusal(code as RefusalCode, "").status, code).toBe(status);
  });

  test("has the members of the example", () => {
    const [example] = fencesOf(read("docs/failures.md")).filter(({ language }) => language === "json");
    const { type, title, detail, status, instance, code, pool, ...others } = JSON.parse(
      example?.text ?? "{}",
    );
    expect(others).toEqual({ queued: expect.any(Number), estimatedWaitMs: expect.any(Number) });
    expect(read("src/refusals/response.ts")).toContain(`type: "${type}"`);
    const refusal = new Refusal(code, detail, pool);
    expect({ title, status, instance: typeof instance }).toEqual({
      title: refusal.title,
      status: refusal.status,
      instance: "string",
    });
  });
});

describe("docs/dashboard.md", () => {
  test("explains every word for how a pool is", () => {
    const words = [...read("src/words/condition.ts").matchAll(/"([A-Z][a-z ]+)"/g)].map(
      ([, word = ""]) => word,
    );
    expect(words.length).toBeGreaterThan(6);
    const page = read("docs/dashboard.md");
    for (const word of [
      ...words,
      ...Object.values(POOL_STATES),
      "2 of 3 servers",
      "1 of 4 shards not reached",
    ])
      expect(page).toMatch(new RegExp(`^\\|[^|]*\\b${word}\\b`, "m"));
  });
});

describe("docs/admin-api.md", () => {
  const ADMIN = "docs/admin-api.md";
  const examples = fencesOf(read(ADMIN)).filter(({ language }) => language === "json");
  const exampleWith = (member: string) =>
    JSON.parse(examples.find(({ text }) => text.includes(member))?.text ?? "{}");

  test("has every route, and no other", () => {
    const routes = [
      ...read("src/admin/app.ts").matchAll(/\.(get|post|put|patch|delete)\(\s*"(\/[^"]+)"/g),
    ].map(([, method = "", path]) => `${method.toUpperCase()} /_sluice${path}`);
    expect(routes.length).toBeGreaterThan(8);
    // The page is mounted apart.
    expect(sorted(named(ADMIN, "## Routes"))).toEqual(sorted([...routes, "GET /_sluice/"]));
  });

  test("shows bodies that the routes take", () => {
    const [drain, resume, stop, server] = examples.map(({ text }) => JSON.parse(text));
    expect(stopBody.safeParse(stop).error?.issues).toBeUndefined();
    expect(drainBody.safeParse(drain).error?.issues).toBeUndefined();
    expect(resumeBody.safeParse(resume).error?.issues).toBeUndefined();
    expect(serverBody.safeParse(server).error?.issues).toBeUndefined();
  });

  test("shows a snapshot with just the members that one has", () => {
    const scheduler = new Scheduler(
      settings({ check: { path: "/" }, max_queue: 0, flow: "address" }),
      null,
      0,
    );
    for (const id of ["one", "two", "refused"]) scheduler.enter({ id }, 1);
    scheduler.end("one", { how: "client" }, 2);
    scheduler.end("two", { how: "done", status: 200 }, 2);
    scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 9 }, 3);
    const lookout = new Lookout((now) => snapshotOf("web", scheduler, now, NO_DEFERRED), scheduler, 0);
    const real = membersOf(lookout.snapshot(4));
    const shown = membersOf(exampleWith('"revision"'));
    // Of health checks that were made: a lastCheck is null before.
    const checked = ["servers.lastCheck.at", "servers.lastCheck.got", "servers.lastCheck.passed"];
    expect(shown.filter((member) => !checked.includes(member))).toEqual(real);
  });

  test("shows a list of deferred requests with just the members that one has", async () => {
    const entry: DeferredEntry = {
      id: "",
      number: 1,
      state: "failed",
      method: "POST",
      path: "/",
      acceptedAt: 0,
      startedAt: 0,
      endedAt: 0,
      attempts: 1,
      status: 502,
      code: "bad-gateway",
    };
    const env = { POOL: { getByName: () => ({ listDeferred: async () => [entry] }) } } as unknown as Env;
    const pool = { name: "web" } as PoolConfig;
    const real = membersOf(await listDeferred(env, pool, { state: null, limit: 1, after: 0 }, true));
    expect(membersOf(exampleWith('"requests"'))).toEqual(real);
  });

  test("shows the audit with just the members that one has, and has every act", async () => {
    const act: Act = { id: "", by: "ci", via: "token", address: "203.0.113.7", agent: "node" };
    const audit = new Audit(() => []);
    const asked = drainAsked({ owner: "deploy-42", reason: "v2", expiresMs: 120_000 });
    for (const id of ["one", "two"]) audit.note(asked, "done", { ...act, id }, 0);
    const list = audit.list({ limit: 1, before: null });
    const env = { POOL: { getByName: () => ({ audit: async () => [...list, ...list] }) } } as unknown as Env;
    const real = membersOf(await listAudit(env, [{ name: "web" } as PoolConfig], { limit: 1, before: null }));
    expect(membersOf(exampleWith('"changes"'))).toEqual(real);
    const [, acts = ""] = /^- `act` is what was asked for: (.*?)\. The$/ms.exec(read(ADMIN)) ?? [];
    expect(sorted(codeIn(acts))).toEqual(sorted(CHANGES));
  });

  test("has every event, and every cause of a quarantine", () => {
    const kinds = listed(declared("Happening"), /kind: "([a-z-]+)"/g);
    const stream = ["history", "snapshot", "unreachable"];
    const rows = tableBelow(read(ADMIN), "## Events");
    expect(sorted(rows.flatMap(([first = ""]) => codeIn(first)))).toEqual(sorted([...kinds, ...stream]));
    const causes = read(ADMIN).replace("The causes of a quarantine:", "### causes\n");
    expect(sorted(tableBelow(causes, "### causes").flatMap(([first = ""]) => codeIn(first)))).toEqual(
      sorted(listed(declared("CutOff"), /"([a-z]+)"/g)),
    );
  });
});

/** The paths of all members: `servers.leases.id`. */
function membersOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return sorted(value.flatMap((one) => membersOf(one, path)));
  if (typeof value !== "object" || value === null) return [];
  return sorted(
    Object.entries(value).flatMap(([name, member]) => {
      const own = path === "" ? name : `${path}.${name}`;
      return [own, ...membersOf(member, own)];
    }),
  );
}

describe("docs/monitoring.md", () => {
  const MONITORING = "docs/monitoring.md";

  test("has every metric with its labels, and no other", () => {
    // A drain, in which the list is full at once, of a pool of several shards.
    const scheduler = new Scheduler(settings({ max_queue: 0, flow: "address" }), null, 0);
    scheduler.drain({ owner: "me", by: "me", reason: null, expiresAt: 1 }, 0);
    const snapshot = snapshotOf("web", scheduler, 0, NO_DEFERRED);
    const metrics = { snapshot: { ...snapshot, shards: [shardWith()] }, counts: scheduler.counters.tell() };
    const real = familiesOf([{ pool: "web", metrics }], 0).map(({ name, samples }) => {
      const labels = Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== "le");
      return `${name} ${sorted(labels)}`;
    });
    const shown = tableBelow(read(MONITORING), "## Metrics").flatMap(([names = "", labels = ""]) =>
      codeIn(names).map((name) => `${name} ${sorted(codeIn(labels))}`),
    );
    expect(sorted(shown)).toEqual(sorted(real));
  });

  test("has every field of a log line, and every outcome", () => {
    const trace = sources().filter((file) => file.endsWith("/trace.ts"));
    const [, line = ""] = /line\(\): string \{(.*?)\n {2}\}/s.exec(trace.map(read).join()) ?? [];
    const logged = listed(line, /^ {6}(\w+): /gm);
    const [, fields = ""] = /one line of JSON in the log: `([^`]+)`/.exec(read(MONITORING)) ?? [];
    expect(fields.replaceAll("?", "").split(/,\s+/)).toEqual(logged);
    const outcomes = listed(declared("Outcome"), /"([a-z-]+)"/g);
    expect(sorted(named(MONITORING, "## The log"))).toEqual(sorted(outcomes));
  });
});

describe("docs/deploys.md", () => {
  const DEPLOYS = "docs/deploys.md";

  test("has every command with its options, and no other", () => {
    const COMMANDS = "src/cli/commands";
    const real = readdirSync(join(ROOT, COMMANDS)).map((file) => {
      const options = listed(read(`${COMMANDS}/${file}`), /"((?:--[a-z-]+|sluice))[ "]/g);
      return `${file.replace(".ts", "")} ${sorted(options.filter((option) => option !== "sluice"))}`;
    });
    const options = new Map<string, string[]>();
    for (const usage of named(DEPLOYS, "## All commands")) {
      const [, name, rest = ""] = /^sluice ([a-z]+)(.*)$/.exec(usage) ?? [];
      // A command that does several things has several rows.
      if (name) options.set(name, [...(options.get(name) ?? []), ...(rest.match(/--[a-z-]+/g) ?? [])]);
    }
    const shown = [...options].map(([name, all]) => `${name} ${sorted(all)}`);
    expect(sorted(shown)).toEqual(sorted([...real, "complete "]));
  });

  test("has every exit code", () => {
    const codes = tableBelow(read(DEPLOYS), "## Exit codes").flatMap(
      ([first = ""]) => first.match(/\d+/g) ?? [],
    );
    expect(codes.map(Number).sort()).toEqual(Object.values(EXIT).sort());
  });
});
