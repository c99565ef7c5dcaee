import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { changesItsProcess } from "./support/apart.ts";
import { circles, type Import, importsUnder, specifiersIn } from "./support/imports.ts";

const SRC = join(import.meta.dirname, "../src");

/** From the bottom up; a part may use itself and those before it. */
const PARTS = [
  "config",
  "scheduler/terms",
  "refusals",
  "servers",
  "scheduler/collections",
  "scheduler/record",
  "scheduler/waiting",
  "scheduler/fleet",
  "scheduler/shards",
  "scheduler",
  "link",
  "pool",
  "carry",
  "deferred",
  "requests",
  "proxy",
  "admin",
  "words",
  "dashboard",
  "index.ts",
  "rehearsal",
];

/** They stand side by side: neither uses the other, whichever way. */
const STRANGERS = [
  ["proxy", "admin"],
  ["pool", "carry"],
  ["pool", "deferred"],
  ["deferred", "requests"],
];

/** What the command may use; of the rest the types. */
const COMMANDS_OWN = ["cli", "config", "refusals", "words"];
const COMMANDS_TYPES = ["scheduler", "link", "admin", "rehearsal"];

const { files, imports, broken } = importsUnder(SRC);

function partOf(file: string): string {
  const [part = "", room = "", ...deeper] = file.split("/");
  return part === "scheduler" && deeper.length > 0 ? `${part}/${room}` : part;
}

function isAllowed({ from, to, isType }: Import): boolean {
  const [user, used] = [partOf(from), partOf(to)];
  if (user === "cli") return COMMANDS_OWN.includes(used) || (isType && isOneOf(COMMANDS_TYPES, used));
  if (STRANGERS.some((both) => user !== used && both.includes(user) && both.includes(used))) return false;
  const [height, depth] = [PARTS.indexOf(user), PARTS.indexOf(used)];
  return depth >= 0 && depth <= height;
}

/** `scheduler` stands for its rooms too. */
const isOneOf = (parts: string[], part: string) => parts.some((one) => `${part}/`.startsWith(`${one}/`));

const inWords = ({ from, to }: Import) => `${from} imports ${to}`;

describe("the parts of src", () => {
  test("are all known", () => {
    expect(files.length).toBeGreaterThan(150);
    expect(files.filter((file) => ![...PARTS, "cli"].includes(partOf(file)))).toEqual([]);
  });

  test("import nothing but files that are there, and nothing that is computed", () => {
    expect(imports.length).toBeGreaterThan(500);
    expect(broken).toEqual([]);
  });

  test("use themselves and those below them: imports flow down, the command is apart", () => {
    expect(imports.filter((one) => !isAllowed(one)).map(inWords)).toEqual([]);
  });

  test("have no circles between files, not even of types", () => {
    expect(circles(imports)).toEqual([]);
  });
});

describe("the rule of this test says that", () => {
  test.each([
    ["carry/carry.ts", "link/acquire.ts", "may"],
    ["link/acquire.ts", "carry/carry.ts", "may not"],
    ["config/load.ts", "config/parse.ts", "may"],
    ["scheduler/scheduler.ts", "scheduler/fleet/fleet.ts", "may"],
    ["scheduler/fleet/fleet.ts", "scheduler/scheduler.ts", "may not"],
    ["scheduler/record/outbox.ts", "scheduler/terms/rows.ts", "may"],
    ["scheduler/terms/rows.ts", "scheduler/record/outbox.ts", "may not"],
    ["carry/carry.ts", "pool/pool.ts", "may not"],
    ["admin/app.ts", "proxy/proxy.ts", "may not"],
    ["index.ts", "cli/sluice.ts", "may not"],
    ["cli/sluice.ts", "config/load.ts", "may"],
    ["cli/sluice.ts", "admin/app.ts", "may not"],
    ["admin/app.ts", "../package.json", "may not"],
  ])("%s uses %s, which it %s", (from, to, verdict) => {
    expect(isAllowed({ from, to, isType: false })).toBe(verdict === "may");
  });

  test("the command may use types of the admin side, the seam and the scheduler's rooms, and none of the pool's", () => {
    const uses = (to: string) => isAllowed({ from: "cli/sluice.ts", to, isType: true });
    expect(["admin/app.ts", "link/env.ts", "scheduler/terms/rows.ts"].map(uses)).toEqual([true, true, true]);
    expect(["pool/pool.ts", "carry/carry.ts", "proxy/proxy.ts"].map(uses)).toEqual([false, false, false]);
  });
});

describe("the scheduler", () => {
  const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  const inScheduler = files.filter((file) => file.startsWith("scheduler/"));

  test("knows no clock, no storage and no platform", () => {
    const platform =
      /\b(Date\.now|new Date\(\)|setTimeout|setInterval|queueMicrotask|performance|crypto|fetch|async|await|Promise|storage|sql|process|globalThis)\b|cloudflare:|node:/;
    const text = (file: string) => withoutComments(readFileSync(join(SRC, file), "utf8"));
    expect(inScheduler.length).toBeGreaterThan(20);
    expect(inScheduler.filter((file) => platform.test(text(file)))).toEqual([]);
  });

  test("uses no package, and of other parts only the types of the configuration", () => {
    const packages = inScheduler.flatMap((file) =>
      specifiersIn(readFileSync(join(SRC, file), "utf8"))
        .filter(({ path }) => !path?.startsWith("."))
        .map(({ path }) => `${file} imports ${path}`),
    );
    const others = imports.filter(
      ({ from, to }) => from.startsWith("scheduler/") && !to.startsWith("scheduler/"),
    );
    expect(packages).toEqual([]);
    expect(others.filter(({ to, isType }) => to !== "config/types.ts" || !isType).map(inWords)).toEqual([]);
  });
});

describe("a test file", () => {
  const text = (file: string) => readFileSync(join(import.meta.dirname, file), "utf8");
  const { files: all, imports: links } = importsUnder(import.meta.dirname);

  test("that shares its process with others uses no helper that changes what they share", () => {
    const helpers = all.filter((file) => !file.endsWith(".test.ts") && changesItsProcess(text(file)));
    const users = new Set(helpers);
    // A set's iterator also visits what is added meanwhile.
    for (const user of users) {
      for (const { from, to, isType } of links) if (to === user && !isType) users.add(from);
    }
    expect(helpers.length).toBeGreaterThan(0);
    expect([...users].filter((file) => file.endsWith(".test.ts") && !changesItsProcess(text(file)))).toEqual(
      [],
    );
  });

  test("has its hooks from its own call: what a helper registers as it is loaded, the first file of a process alone gets", () => {
    const helpers = all.filter((file) => !file.endsWith(".test.ts"));
    const hook = /^(?:before|after)(?:All|Each)\(/m;
    expect(helpers.filter((file) => hook.test(text(file)))).toEqual([]);
  });

  test.each([
    ['import { test, vi } from "vitest";', "apart"],
    ['import {\n  test,\n  vi,\n} from "vitest";', "apart"],
    ['import { setFlagsFromString } from "node:v8";', "apart"],
    ['import { test } from "vitest";\nimport { vi } from "./languages.ts";', "together"],
  ])("with %j runs %s", (said, group) => {
    expect(changesItsProcess(said) ? "apart" : "together").toBe(group);
  });
});

describe("an import is seen", () => {
  const seen = (text: string) =>
    specifiersIn(text).map(({ path, isType }) => `${path}${isType ? ", a type" : ""}`);

  test.each([
    ['import { a } from "./x.ts";', "./x.ts"],
    ['import {\n  a,\n  type B,\n} from "./x.ts";', "./x.ts"],
    ['import * as x from "./x.ts";', "./x.ts"],
    ['import type { A } from "./x.ts";', "./x.ts, a type"],
    ['import type from "./x.ts";', "./x.ts"],
    ['import text from "./x.css" with { type: "text" };', "./x.css"],
    ['export { a } from "./x.ts";', "./x.ts"],
    ['export * from "./x.ts";', "./x.ts"],
    ['export type { A } from "./x.ts";', "./x.ts, a type"],
    ['import "./x.ts";', "./x.ts"],
    ['const x = await import("./x.ts");', "./x.ts"],
    ["const x = await import(`./x.ts`);", "./x.ts"],
    ["const x = await import(path);", "null"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what such a file would say.
    ["const x = await import(`./${name}.ts`);", "null"],
    ['type X = typeof import("./x.ts");', "./x.ts, a type"],
    ['/** @type {import("./x.js").X} */', "./x.js, a type"],
    ['/** @import { X } from "./x.ts" */', "./x.ts, a type"],
    ['const x = require("./x.ts");', "./x.ts"],
    ['new Worker(new URL("./x.ts", import.meta.url));', "./x.ts"],
    ['import.meta.resolve("./x.ts")', "./x.ts"],
    ['/// <reference path="./x.d.ts" />', "./x.d.ts, a type"],
    ['@import "./x.css";', "./x.css"],
    ["a { background: url(./x.png); }", "./x.png"],
  ])("in %j", (text, expected) => {
    expect(seen(text)).toEqual([expected]);
  });

  test.each(["new URL(request.url)", 'Array.from("abc")', "import.meta.url", "// taken from a list"])(
    "and none in %j",
    (text) => {
      expect(seen(text)).toEqual([]);
    },
  );

  test("and a circle that it closes is named by its files", () => {
    const link = (from: string, to: string) => ({ from, to, isType: true });
    const links = [link("a", "b"), link("b", "c"), link("c", "b"), link("c", "d"), link("d", "d")];
    expect(circles(links)).toEqual(["b → c → b", "d → d"]);
  });
});
