import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Locked {
  version?: string;
  integrity?: string;
}

test("every package of the lockfile has its digest, so that `npm ci` installs nothing else under its name", () => {
  const text = readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8");
  const packages = Object.entries((JSON.parse(text) as { packages: Record<string, Locked> }).packages);
  // The first is this project itself. npm 11 leaves out the digest of what it has not installed, the builds for
  // other platforms: a lockfile that is made anew beside a node_modules folder lacks them.
  const installed = packages.filter(([path]) => path !== "");
  const bare = installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"));
  expect(installed.length).toBeGreaterThan(100);
  expect(bare.map(([path]) => path)).toEqual([]);
});
