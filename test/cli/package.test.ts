import { execFile } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";

const ROOT = join(import.meta.dirname, "../..");
const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** The Node of the tests, and another one of this machine, which is often older. */
const NODES = [process.execPath, ...otherNodes().slice(0, 1)];
const NO_OTHER_NODE = "There is no other Node on the search path than the one that came with npm ci.";

function otherNodes(): string[] {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((path) => !path.includes("node_modules"));
  const nodes = folders.map((folder) => join(folder, "node")).filter((path) => existsSync(path));
  return nodes.filter((path) => realpathSync(path) !== realpathSync(process.execPath));
}

const run = promisify(execFile);

describe("the package", () => {
  let folder: string;
  let files: string[];
  let sluice: Sluice;
  let manifest: Record<string, unknown>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-package-"));
    const pack = ["pack", "--silent", "--json", "--pack-destination", folder];
    const [packed] = JSON.parse((await run("npm", pack, { cwd: ROOT })).stdout);
    files = packed.files.map(({ path }: { path: string }) => path);
    const install = ["install", "--offline", "--no-audit", "--no-fund", join(folder, packed.filename)];
    await run("npm", install, { cwd: folder });
    manifest = JSON.parse(readFileSync(join(folder, "node_modules/sluice/package.json"), "utf8"));
    sluice = await Sluice.start({ pools: POOLS });
  });
  afterAll(async () => {
    await sluice?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("has the command, the Worker that it rehearses with, and what tells of it, and nothing else", () => {
    const licences = "dist/THIRD-PARTY-LICENCES.txt";
    const built = [licences, "dist/rehearsal-worker.js", "dist/sluice.js"];
    const expected = ["LICENSE", "README.md", "bin/sluice.js", ...built, "package.json"];
    expect(files.sort()).toEqual(expected);
  });

  test("needs no other package", () => {
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    expect([dependencies, optionalDependencies, peerDependencies]).toEqual([undefined, undefined, undefined]);
  });

  test("runs by npx in the folder that it was installed in", async () => {
    const { stdout } = await run("npx", ["--no-install", "sluice", "--version"], { cwd: folder });
    expect(stdout).toBe(`${version}\n`);
  });

  test("is tried with another Node than the one of the tests too, in CI at least", () => {
    if (process.env.CI) expect(NODES, NO_OTHER_NODE).toHaveLength(2);
    else if (NODES.length < 2) console.warn(`NOT RUN: the package with another Node\n${NO_OTHER_NODE}`);
  });

  test.each(NODES)("runs with %s", async (node) => {
    const env = {
      ...process.env,
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      SLUICE_URL: sluice.url,
      SLUICE_TOKEN: TOKEN,
    };
    const command = (...args: string[]) => run("node_modules/.bin/sluice", args, { cwd: folder, env });
    expect((await command("--version")).stdout).toBe(`${version}\n`);
    expect((await command("status")).stdout).toMatch(/^POOL .*\nweb +running +0\/1 /);
    const used = ["deploy", "web", "--", "node", "-p", "process.execPath"];
    const { stdout, stderr } = await command(...used);
    expect(realpathSync(stdout.trim())).toBe(realpathSync(node));
    expect(stderr).toContain("web runs again after");
  });
});
