import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { type FileKind, kindOf, readFileText } from "../../../src/cli/wrangler-file/read.ts";
import { valueAt } from "../../../src/cli/wrangler-file/tree.ts";
import { Folder } from "../script.ts";
import { web } from "./support.ts";

const OWN = readFileSync(join(import.meta.dirname, "../../../wrangler.toml"), "utf8");

test.each([
  ["toml", OWN],
  ["toml", web('check.path = "/"\n[vars.POOLS.web.quarantine]\nmax = "1s"')],
  ["toml", "[a.b]\nc = 1\n[a]\nd = 2\n[[a.e]]\n[[a.e]]\nf = 1\n[a.e.g]\nh = []\n[[a.e.i]]\nj = {}"],
  ["toml", "a.b.c = 1\na.b.d = { e.f = [[1], [{ g = 1 }]], }\n'x y'.\"z\\n\" = '''\nq'''"],
  ["toml", "a = { b = 1,\n  c = 2,\n}\nd = [1, 0x1F, 1_000, 1e3, -0.5, true]\r\ne = 'x'"],
  ["toml", "\uFEFFa = 1"],
  ["json", '{ "a": [1, { "b": null }], // c\n "d": "\\u00e4", "e": {}, }'],
  ["json", '{ "a": 1, "a": { "b": 2 } }'],
] as const)("reads %s to the values that wrangler reads (%#)", async (kind, text) => {
  const config = join((await Folder.make()).path, `file.${kind}`);
  await writeFile(config, text);
  const ours = valueAt(readFileText(text, kind), []);
  expect(JSON.stringify(ours)).toBe(JSON.stringify(readRawConfig({ config }).rawConfig));
});

test.each<[string, FileKind | null]>([
  ["wrangler.toml", "toml"],
  ["a/b.staging.toml", "toml"],
  ["wrangler.json", "json"],
  ["wrangler.jsonc", "json"],
  ["wrangler.yaml", null],
  ["wrangler", null],
  ["toml", null],
])("takes %s for %s", (name, kind) => {
  expect(kindOf(name)).toBe(kind);
});

test("a value is made of its nodes once, however often it is asked for", () => {
  const root = readFileText(web("slots = 2"), "toml");
  expect(valueAt(root, ["vars"])).toBe(valueAt(root, ["vars"]));
  expect(valueAt(root, ["vars", "POOLS", "web", "slots"])).toBe(2);
});
