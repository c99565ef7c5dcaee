import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** From the bottom up; a part may use those before it. */
const PARTS = [
  "config",
  "refusals",
  "servers",
  "scheduler",
  "link",
  "pool",
  "carry",
  "proxy",
  "admin",
  "dashboard",
  "index.ts",
  "cli",
];

const partOf = (file: string) => relative(SRC, file).split("/")[0] ?? "";

function importsOf(file: string): string[] {
  const paths = readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g);
  return [...paths].map(([, path = ""]) => resolve(dirname(file), path));
}

test("imports flow down: a file uses its own part and those below it, and the proxy and the admin side not each other", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const wrong = files.flatMap((name) => {
    const file = join(SRC, name);
    return importsOf(file)
      .filter((target) => {
        const [from, to] = [PARTS.indexOf(partOf(file)), PARTS.indexOf(partOf(target))];
        if (from < 0 || to < 0) return true;
        return to > from || (partOf(file) === "admin" && partOf(target) === "proxy");
      })
      .map((target) => `${name} imports ${relative(SRC, target)}`);
  });
  expect(files.length).toBeGreaterThan(40);
  expect(wrong).toEqual([]);
});

test("the scheduler knows no clock, no storage and no platform", () => {
  const files = readdirSync(join(SRC, "scheduler"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(SRC, "scheduler", name));
  const platform =
    /\b(Date\.now|setTimeout|setInterval|performance|crypto|fetch|await|Promise)\b|cloudflare:/;
  const code = (file: string) => readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  expect(files.filter((file) => platform.test(code(file)))).toEqual([]);
});
