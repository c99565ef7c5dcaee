import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";

const ROOT = join(import.meta.dirname, "../..");
const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
const { name, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

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
    // Of earlier builds: another version's, and what one that was killed was about to write.
    for (const stale of ["gone/worker.js", "gone.js", "sluice.js.99999999"]) {
      await mkdir(dirname(join(ROOT, "dist", stale)), { recursive: true });
      await writeFile(join(ROOT, "dist", stale), "stale");
    }
    const pack = ["pack", "--silent", "--json", "--pack-destination", folder];
    const [packed] = JSON.parse((await run("npm", pack, { cwd: ROOT })).stdout);
    files = packed.files.map(({ path }: { path: string }) => path);
    const install = ["install", "--offline", "--no-audit", "--no-fund", join(folder, packed.filename)];
    await run("npm", install, { cwd: folder });
    manifest = JSON.parse(readFileSync(join(folder, `node_modules/${name}/package.json`), "utf8"));
    sluice = await Sluice.start({ pools: POOLS });
  });
  afterAll(async () => {
    await sluice?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("has the command, the Workers, the schema for editors and the documents, and nothing else", () => {
    const worker = ["worker.d.ts", "worker.js", "worker.licences.txt"];
    const built = [
      "rehearsal-worker.js",
      "sluice.js",
      "sluice.licences.txt",
      ...worker,
      "wrangler.schema.json",
    ];
    const documents = readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md"));
    const expected = [
      ...["CHANGELOG.md", "LICENSE", "README.md", "bin/sluice.js", "package.json"],
      ...built.map((file) => `dist/${file}`),
      ...documents.map((file) => `docs/${file}`),
    ];
    expect(files.sort()).toEqual(expected.sort());
  });

  test("needs no other package, and says which runtime `sluice serve` takes where there is one", () => {
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest;
    expect([dependencies, optionalDependencies]).toEqual([undefined, undefined]);
    expect(Object.keys(peerDependencies as object)).toEqual(["workerd"]);
    expect(peerDependenciesMeta).toEqual({ workerd: { optional: true } });
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

  test.each(NODES)(
    "makes a project whose wrangler has a Node that it runs on, where it is %s",
    async (node) => {
      const project = await mkdtemp(join(tmpdir(), "sluice-project-"));
      onTestFinished(() => rm(project, { recursive: true, force: true }));
      const command = join(folder, "node_modules", name, "bin/sluice.js");
      await run(node, [command, "init", "--yes"], { cwd: project });
      const [major, minor] = (await run(node, ["-p", "process.versions.node"])).stdout.split(".").map(Number);
      const isOld = Number(major) < 22 || (major === 22 && Number(minor) < 12);
      const { devDependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
      expect(Object.keys(devDependencies)).toEqual([...(isOld ? ["node"] : []), name, "wrangler"]);
    },
  );

  describe("in a project that `sluice init` has made", () => {
    const env = {
      ...process.env,
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
    };
    // As npx would, which takes half a second of CPU time more for each.
    const installed = (command: string, ...args: string[]) =>
      run(join(folder, "node_modules/.bin", command), args, { cwd: folder, env });
    const deploy = () => installed("wrangler", "deploy", "--dry-run", "--outdir", "out");

    beforeAll(async () => {
      await installed("sluice", "init", "--yes");
      // The repository's own, as the tests use no network.
      for (const [link, target] of [
        ["workerd", "workerd"],
        ["wrangler", "wrangler"],
        [".bin/wrangler", "wrangler/bin/wrangler.js"],
      ] as const) {
        await symlink(join(ROOT, "node_modules", target), join(folder, "node_modules", link));
      }
    });

    test("is what wrangler deploys: the Worker with its objects and pools", async () => {
      const { stdout } = await deploy();
      for (const binding of ["env.POOL (Pool)", "env.DEFERRED (Deferred)", "env.POOLS"]) {
        expect(stdout).toContain(binding);
      }
      expect(stdout).toContain("1 pool, 2 servers, no problem found");
      expect(readFileSync(join(folder, "out/worker.js"), "utf8")).toContain("misconfigured");
    });

    test("keeps its token out of git, although npm leaves each .gitignore out of a package", () => {
      expect(readFileSync(join(folder, ".gitignore"), "utf8").split("\n")).toContain(".dev.vars*");
    });

    test("is what a module of the user's own exports, with types", async () => {
      const file = join(folder, "wrangler.toml");
      const text = readFileSync(file, "utf8");
      await writeFile(join(folder, "worker.ts"), `export { default, Deferred, Pool } from "${name}";\n`);
      await writeFile(file, text.replace(/^main = .*$/m, 'main = "worker.ts"'));
      expect((await deploy()).stdout).toContain("env.POOL (Pool)");
      await writeFile(file, text);
      await mkdir(join(folder, "node_modules/@cloudflare"));
      const types = "node_modules/@cloudflare/workers-types";
      await symlink(join(ROOT, types), join(folder, types));
      const options = [
        "--strict",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "--target",
        "es2024",
        "--lib",
        "es2024",
      ];
      const tsc = [join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit", "--ignoreConfig", ...options];
      const args = [...tsc, "--types", "@cloudflare/workers-types", "worker.ts"];
      expect((await run(process.execPath, args, { cwd: folder })).stdout).toBe("");
    });

    test("is what `sluice serve` runs without an account, and a request goes through it", async () => {
      const server = createServer((_request, response) => response.end("served")).listen(0, "127.0.0.1");
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const deployed = readFileSync(join(folder, "wrangler.toml"), "utf8");
      onTestFinished(() => writeFile(join(folder, "wrangler.toml"), deployed));
      await installed("sluice", "init", "--yes", "--force", "--server", `http://127.0.0.1:${port}`);

      const command = join(folder, "node_modules/.bin/sluice");
      const serve = spawn(command, ["serve", "--listen", "127.0.0.1:0"], { cwd: folder, env });
      onTestFinished(() => void serve.kill("SIGKILL"));
      const url = await new Promise((resolve) => {
        let told = "";
        serve.stderr.on("data", (text) => {
          told += text;
          const [, address] = /on (http:\S+),/.exec(told) ?? [];
          if (address) resolve(address);
        });
      });
      expect(await (await fetch(`${url}/`)).text()).toBe("served");
      serve.kill("SIGTERM");
      expect(await once(serve, "exit")).toEqual([0, null]);
    });

    test("refuses to deploy a broken configuration, and says what is wrong", async () => {
      const file = join(folder, "wrangler.toml");
      const text = readFileSync(file, "utf8");
      await writeFile(file, text.replace("slots = 1", "slots = 0"));
      const failed = await deploy().then(
        () => null,
        (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
      );
      await writeFile(file, text);
      expect(failed).toContain("vars.POOLS.web.slots: 0 is out of range");
    });
  });
});

describe("the repository's own command", () => {
  test.each([
    ["20.19.4", "This is Node 20.19.4, and the repository needs 24.2 or newer"],
    ["24.1.0", "`npm rebuild node`"],
  ])("says what is missing on Node %s", async (old, says) => {
    expect((await nodeProblemOf())(old)).toContain(says);
  });

  test.each(["24.2.0", "26.10.0"])("runs on Node %s", async (young) => {
    expect((await nodeProblemOf())(young)).toBeNull();
  });

  /** Plain JavaScript, so that every Node can run it. */
  async function nodeProblemOf(): Promise<(version: string) => string | null> {
    return (await import(pathToFileURL(join(ROOT, "scripts/node-version.js")).href)).nodeProblem;
  }
});
