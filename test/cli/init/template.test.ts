import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TEMPLATE, templateFiles } from "../../../scripts/build-template.ts";
import { readToml } from "../../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../../src/cli/wrangler-file/tree.ts";
import { commandPath } from "../../support/bundle.ts";
import { findingsOf } from "../wrangler-file/support.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("the template is what `sluice init` writes now, without a token (`npm run build:template` makes it so)", async () => {
  const files = await templateFiles(commandPath());
  expect(readdirSync(TEMPLATE).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) expect(readFileSync(join(TEMPLATE, name), "utf8"), name).toBe(text);
});

test("the template passes `sluice check`", () => {
  expect(findingsOf(readFileSync(join(TEMPLATE, "wrangler.toml"), "utf8"))).toEqual([]);
});

test("a project has the settings of the repository's own wrangler.toml, but for its Worker's file and its build", () => {
  const valuesOf = (file: string) =>
    valueAt(readToml(readFileSync(file, "utf8")), []) as Record<string, unknown>;
  const { main: _source, ...own } = valuesOf(join(ROOT, "wrangler.toml"));
  const { main, build, vars, ...others } = valuesOf(join(TEMPLATE, "wrangler.toml"));
  expect({ ...others, vars: own.vars }).toEqual(own);
  expect(Object.keys(vars as object)).toEqual(["POOLS"]);
  expect(main).toBe("node_modules/sluice-queue/dist/worker.js");
  expect(build).toEqual({ command: "npx --no sluice check" });
});

test.each(["wrangler.toml", "template/wrangler.toml"])(
  "in %s, the examples of keys of the top level stand above the first table",
  (file) => {
    const text = readFileSync(join(ROOT, file), "utf8");
    const firstTable = text.search(/^\[/m);
    expect(text.lastIndexOf("# routes = ")).toBeGreaterThan(0);
    expect(text.lastIndexOf("# routes = ")).toBeLessThan(firstTable);
  },
);
