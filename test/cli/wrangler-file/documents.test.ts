import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findingsOf, told, toml } from "./support.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

test("the repository's own wrangler.toml gives no finding", () => {
  expect(findingsOf(read("wrangler.toml"))).toEqual([]);
});

test("nor do the README's examples of pools, as parts of a whole file", () => {
  const blocks = [...read("README.md").matchAll(/^```toml\n(.*?)^```/gms)].map(([, block = ""]) => block);
  const examples = blocks.filter((block) => block.includes("POOLS"));
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.flatMap((example) => told(toml(example)))).toEqual([]);
});
