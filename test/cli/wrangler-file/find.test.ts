import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { experimental_readRawConfig as readRawConfig } from "wrangler";
import { findWranglerFile } from "../../../src/cli/wrangler-file/read.ts";
import { Folder } from "../script.ts";

test.each([
  [["wrangler.toml"], "wrangler.toml"],
  [["wrangler.toml", "wrangler.jsonc"], "wrangler.jsonc"],
  [["wrangler.toml", "wrangler.jsonc", "wrangler.json"], "wrangler.json"],
  [["../wrangler.toml"], "../wrangler.toml"],
  [["../wrangler.toml", "wrangler.toml"], "wrangler.toml"],
  [["wrangler.toml", "../wrangler.json"], "../wrangler.json"],
  [["wrangler.json/x", "wrangler.toml"], "wrangler.toml"],
])("of %j it is %s, as for wrangler itself", async (files, expected) => {
  const folder = join((await Folder.make()).path, "inner");
  await mkdir(folder);
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), file.endsWith("toml") ? "" : "{}");
  }
  expect(findWranglerFile(folder)).toBe(join(folder, expected));
  expect(readRawConfig({ script: join(folder, "index.ts") }).userConfigPath).toBe(join(folder, expected));
});

test("there may be none", async () => {
  expect(findWranglerFile((await Folder.make()).path)).toBeNull();
});
