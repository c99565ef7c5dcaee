import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundlePage, PAGE_BUNDLE } from "../../scripts/build-page.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = "src/dashboard/page";

test("the script that the Worker serves is that of the page's modules: else `npm run build:page`", async () => {
  const { text } = await bundlePage();
  // Not toBe on the texts, which would print both.
  expect((await readFile(join(ROOT, PAGE_BUNDLE), "utf8")) === text).toBe(true);
});

test("every module of the page is in it", async () => {
  const { metafile } = await bundlePage();
  const modules = readdirSync(join(ROOT, PAGE)).filter((name) => /\.[jt]s$/.test(name));
  expect(modules.length).toBeGreaterThan(10);
  expect(Object.keys(metafile.inputs)).toEqual(
    expect.arrayContaining(modules.map((name) => `${PAGE}/${name}`)),
  );
});
