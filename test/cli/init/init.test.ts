import { existsSync } from "node:fs";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readToml } from "../../../src/cli/wrangler-file/toml.ts";
import { valueAt } from "../../../src/cli/wrangler-file/tree.ts";
import { Run, type RunOptions } from "../command.ts";
import { Terminal } from "../pty.ts";
import { Folder } from "../script.ts";
import { findingsOf } from "../wrangler-file/support.ts";

/** No Sluice is there: the command must not need one. */
const OFFLINE = { url: "http://127.0.0.1:1", env: { NO_COLOR: "1", FORCE_COLOR: "0" } } satisfies RunOptions;
const FILES = ["package.json", "wrangler.toml", ".dev.vars", ".gitignore"];
const STORY = join(import.meta.dirname, "haproxy/second-story.cfg");

async function init(cwd: string, ...args: string[]) {
  const run = new Run(["init", ...args], { ...OFFLINE, cwd });
  const code = await run.code;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

const empty = async () => (await Folder.make()).path;
const textIn = (folder: string, name: string) => readFile(join(folder, name), "utf8");

async function valueIn(folder: string, ...path: (string | number)[]): Promise<unknown> {
  return valueAt(readToml(await textIn(folder, "wrangler.toml")), path);
}

describe("sluice init", () => {
  test("makes a project in the folder it is told, and says what comes next", async () => {
    const folder = await empty();
    const { code, stdout, stderr } = await init(folder, "queue", "--yes");
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of FILES) {
      expect(existsSync(join(folder, "queue", name)), name).toBe(true);
      expect(stdout).toMatch(new RegExp(`^ {2}${name.replace(".", "\\.")} +written `, "m"));
    }
    expect(stdout).toContain("  cd queue\n  npm install\n");
  });

  test("writes a configuration against which `sluice check` has nothing", async () => {
    const folder = await empty();
    await init(folder, "--yes");
    expect(findingsOf(await textIn(folder, "wrangler.toml"))).toEqual([]);
  });

  test("needs the package and wrangler, and runs the check before each deploy", async () => {
    const folder = await empty();
    await init(folder, "--yes", "--package", "git+https://git.example.com/sluice.git");
    const { devDependencies, scripts } = JSON.parse(await textIn(folder, "package.json"));
    expect(devDependencies["sluice-queue"]).toBe("git+https://git.example.com/sluice.git");
    expect(devDependencies.wrangler).toMatch(/^\^4\.\d+\.\d+$/);
    expect(scripts).toEqual({ check: "sluice check", deploy: "wrangler deploy", dev: "wrangler dev" });
    expect(await valueIn(folder, "build", "command")).toBe("npx --no sluice check");
  });

  test("gets the package in another folder from where it came to this one", async () => {
    const folder = await empty();
    const devDependencies = { "sluice-queue": "file:sluice-queue-0.2.0.tgz" };
    await writeFile(join(folder, "package.json"), JSON.stringify({ devDependencies }));
    for (const name of ["sluice-queue-0.2.0.tgz", "other.tgz"]) await writeFile(join(folder, name), "");
    await init(folder, "deep/queue", "--yes");
    await init(folder, "deep/other", "--yes", "--package", "./other.tgz");
    const specs = ["queue", "other"].map(async (name) => {
      const made = JSON.parse(await textIn(folder, `deep/${name}/package.json`));
      return made.devDependencies["sluice-queue"];
    });
    expect(await Promise.all(specs)).toEqual(["file:../../sluice-queue-0.2.0.tgz", "file:../../other.tgz"]);
  });

  test("makes a token of its own for each project, which nobody else can read and git does not keep", async () => {
    const folder = await empty();
    await init(folder, "one", "--yes");
    await init(folder, "two", "--yes");
    const tokens = await Promise.all(["one", "two"].map((name) => textIn(folder, `${name}/.dev.vars`)));
    expect(tokens.map((text) => /^ADMIN_TOKEN=[0-9a-f]{64}$/m.test(text))).toEqual([true, true]);
    expect(tokens[0]).not.toBe(tokens[1]);
    expect((await stat(join(folder, "one/.dev.vars"))).mode & 0o777).toBe(0o600);
    expect(await textIn(folder, "one/.gitignore")).toContain(".dev.vars*\n");
  });

  test("takes servers, host, slots and check from its options", async () => {
    const folder = await empty();
    const servers = ["--server", "https://web-1.example.com", "b.example.com:8443"];
    await init(folder, ...servers, "--host", "App.example.com", "--slots", "2", "--check", "/up");
    expect(await valueIn(folder, "vars", "POOLS", "web")).toEqual({
      hosts: ["app.example.com"],
      servers: [
        { name: "web-1", url: "https://web-1.example.com" },
        { name: "b", url: "https://b.example.com:8443" },
      ],
      slots: 2,
      check: { path: "/up" },
    });
    expect(await valueIn(folder, "routes")).toEqual([{ pattern: "app.example.com", custom_domain: true }]);
  });

  test("makes a route of a host whose zone it is told", async () => {
    const folder = await empty();
    await init(folder, "--yes", "--host", "app.example.com", "--zone", "example.com");
    expect(await valueIn(folder, "routes")).toEqual([
      { pattern: "app.example.com/*", zone_name: "example.com" },
    ]);
  });

  test("numbers servers that their hosts do not tell apart", async () => {
    const folder = await empty();
    await init(folder, "--server", "http://10.0.0.1:80", "http://10.0.0.2:80", "--pool", "inference");
    expect(await valueIn(folder, "vars", "POOLS", "inference", "servers")).toEqual([
      { name: "inference-1", url: "http://10.0.0.1" },
      { name: "inference-2", url: "http://10.0.0.2" },
    ]);
  });

  test("writes one object with --json", async () => {
    const { stdout, code } = await init(await empty(), "--json");
    const { files, ...others } = JSON.parse(stdout);
    expect(files.map(({ name }: { name: string }) => name)).toEqual(FILES);
    expect(others).toEqual({ folder: ".", remarks: [], findings: [] });
    expect(code).toBe(0);
  });

  test.each([
    ["--host", "https://app.example.com", "Allowed is a host name"],
    ["--server", "https://a.example.com/path", "without a path"],
    ["--server", "my-queue", "a host name with a dot"],
    ["--zone", "example.com", "give --host too"],
    ["--slots", "0", "1 to 1000"],
    ["--check", "up", 'begins with "/"'],
    ["--name", "-a", "1 to 63 of a-z 0-9 -"],
    ["--from", "nowhere.cfg", 'Cannot read "nowhere.cfg"'],
  ])("writes nothing for %s %s", async (option, value, says) => {
    const folder = await empty();
    const { code, stderr } = await init(folder, option, value);
    expect(stderr).toContain(says);
    expect([code, existsSync(join(folder, "wrangler.toml"))]).toEqual([64, false]);
  });
});

describe("sluice init, where there are files already,", () => {
  test.each(["wrangler.toml", "wrangler.json", "wrangler.jsonc"])(
    "leaves a %s alone, and writes nothing",
    async (name) => {
      const folder = await empty();
      await writeFile(join(folder, name), "mine");
      const { code, stderr } = await init(folder, "--yes");
      expect(stderr).toContain(`${name} is there already`);
      expect([code, await textIn(folder, name)]).toEqual([64, "mine"]);
      expect(existsSync(join(folder, ".dev.vars"))).toBe(false);
    },
  );

  test("writes nothing through a link that leads to no file yet", async () => {
    const folder = await empty();
    await symlink(join(folder, "elsewhere"), join(folder, "wrangler.toml"));
    const { code, stderr } = await init(folder, "--yes");
    expect(stderr).toContain("EEXIST");
    expect([code, existsSync(join(folder, "elsewhere"))]).toEqual([74, false]);
  });

  test("ends where no folder can be made, and names it", async () => {
    const { code, stderr } = await init(await empty(), "/proc/x/queue", "--yes");
    expect(stderr).toMatch(/^sluice: the project cannot be written: .*\/proc\/x/);
    expect(code).toBe(74);
  });

  test("replaces a wrangler.toml with --force, and keeps the token", async () => {
    const folder = await empty();
    await init(folder, "--yes");
    const token = await textIn(folder, ".dev.vars");
    const { stdout, code } = await init(folder, "--yes", "--force", "--name", "other");
    expect(stdout).toMatch(/^ {2}\.dev\.vars +kept /m);
    expect([code, await valueIn(folder, "name"), await textIn(folder, ".dev.vars")]).toEqual([
      0,
      "other",
      token,
    ]);
  });

  test("writes nothing where wrangler would read another file, of a folder above", async () => {
    const folder = await empty();
    await writeFile(join(folder, "wrangler.jsonc"), "{}");
    await mkdir(join(folder, "below"));
    const { code, stderr } = await init(join(folder, "below"), "--yes");
    expect(stderr).toContain("wrangler would read");
    expect([code, existsSync(join(folder, "below/wrangler.toml"))]).toEqual([64, false]);
  });

  test("adds to package.json and .gitignore only what they lack", async () => {
    const folder = await empty();
    const given = {
      name: "mine",
      scripts: { dev: "my own", test: "true" },
      dependencies: { "sluice-queue": "file:sluice-queue-0.2.0.tgz" },
    };
    await writeFile(join(folder, "package.json"), JSON.stringify(given, null, "\t"));
    await writeFile(join(folder, ".gitignore"), "/node_modules\nout");
    const { stdout } = await init(folder, "--yes");
    expect(stdout).toMatch(/^ {2}package\.json +completed /m);
    const text = await textIn(folder, "package.json");
    const { scripts, dependencies, devDependencies, name } = JSON.parse(text);
    expect([name, dependencies]).toEqual(["mine", given.dependencies]);
    expect(scripts).toEqual({
      check: "sluice check",
      deploy: "wrangler deploy",
      dev: "my own",
      test: "true",
    });
    expect(Object.keys(devDependencies)).not.toContain("sluice-queue");
    expect(text).toMatch(/^\t"name"/m);
    expect(await textIn(folder, ".gitignore")).toBe("/node_modules\nout\n.wrangler/\n.sluice/\n.dev.vars*\n");
  });

  test("changes nothing in files that lack nothing", async () => {
    const folder = await empty();
    await init(folder, "--yes");
    const before = await Promise.all(FILES.map((name) => textIn(folder, name)));
    const { stdout } = await init(folder, "--yes", "--force");
    expect(await Promise.all(FILES.map((name) => textIn(folder, name)))).toEqual(before);
    expect(stdout.match(/^ {2}\S+ +kept /gm)).toHaveLength(3);
  });

  test("leaves a package.json alone that is no JSON, and says so", async () => {
    const folder = await empty();
    await writeFile(join(folder, "package.json"), "{ oops");
    const { stdout } = await init(folder, "--yes");
    expect(stdout).toMatch(/^ {2}package\.json +kept +it is no JSON/m);
    expect(await textIn(folder, "package.json")).toBe("{ oops");
  });
});

describe("sluice init --from", () => {
  test("takes error pages from the files that the configuration names, beside it or anywhere", async () => {
    const folder = await empty();
    const html = "<h1>Back soon</h1>\n";
    await writeFile(join(folder, "503.http"), `HTTP/1.0 503 x\r\nContent-Type: text/html\r\n\r\n${html}`);
    const lines = ["errorfile 503 503.http", "errorfile 504 /nowhere/504.http", "errorfile 502 ."];
    const web = ["listen web", "mode http", ...lines, "server a a.example.com:443 ssl maxconn 1", ""];
    await writeFile(join(folder, "ha.cfg"), web.join("\n"));
    const { code, stdout } = await init(folder, "--from", "ha.cfg");
    expect(code).toBe(0);
    expect(await valueIn(folder, "vars", "PAGE_503")).toBe(html);
    expect(await valueIn(folder, "vars", "POOLS", "web", "pages", "queue-full")).toBe("PAGE_503");
    expect(stdout).toContain("ha.cfg:4: lost: /nowhere/504.http cannot be read here");
    expect(stdout).toContain("ha.cfg:5: lost: . cannot be read here");
  });

  test("makes the pools of a haproxy.cfg, and tells of each line", async () => {
    const folder = await empty();
    const { code, stdout } = await init(folder, "--from", STORY);
    expect(stdout).toContain("second-story.cfg:20: became: max_queue = 2000 (200 for each of 10 servers)\n");
    expect(stdout).toContain("second-story.cfg:9: not needed: Sluice logs one line a request");
    expect(await valueIn(folder, "vars", "POOLS", "custombe", "servers", 9)).toEqual({
      name: "custom-server-10",
      url: "http://query-10.internal:8001",
    });
    expect(code).toBe(0);
    const check = new Run(["check"], { ...OFFLINE, cwd: folder });
    expect(await check.code).toBe(0);
    expect(check.stdout).toMatch(
      /^(wrangler\.toml:\d+: warning: .* is a private name, .*\n){10}10 warnings\n$/,
    );
  });

  test.each(["--pool", "--server", "--slots", "--check"])(
    "takes no %s beside the file, which would not count",
    async (option) => {
      const value = { "--server": "https://a.com", "--slots": "2", "--check": "/up" }[option] ?? "web";
      const { code, stderr } = await init(await empty(), "--from", STORY, option, value);
      expect([code, stderr]).toEqual([64, expect.stringContaining(`cannot be used with option '${option}`)]);
    },
  );

  test("writes nothing where no pool comes of it, says why, and ends with 1", async () => {
    const folder = await empty();
    await writeFile(join(folder, "tcp.cfg"), "listen db\n mode tcp\n server a a.test:3306\n");
    const { code, stdout, stderr } = await init(folder, "--from", "tcp.cfg");
    expect(stdout).toContain("tcp.cfg:1: lost: mode tcp: Sluice carries HTTP only");
    expect(stderr).toContain("nothing was written");
    expect([code, existsSync(join(folder, "wrangler.toml"))]).toEqual([1, false]);
  });
});

describe("sluice init on a terminal", () => {
  const ANSWERS = [
    ["Host name", "app.example.com"],
    ["Cloudflare zone", ""],
    ["URLs of your servers", "a.example.com b.example.com"],
    ["Requests that each", "many"],
    ["1 to 1000", "2"],
    ["health check", ""],
  ] as const;

  test("asks for what no option says, and again after an answer that it cannot take", async () => {
    const folder = await empty();
    const terminal = await Terminal.run(["init"], { ...OFFLINE, cwd: folder });
    for (const [question, answer] of ANSWERS) {
      await terminal.until(({ output }) => output.includes(question));
      terminal.type(`${answer}\r`);
    }
    expect(await terminal.code).toBe(0);
    expect(await valueIn(folder, "vars", "POOLS", "web")).toEqual({
      hosts: ["app.example.com"],
      servers: [
        { name: "a", url: "https://a.example.com" },
        { name: "b", url: "https://b.example.com" },
      ],
      slots: 2,
    });
    expect(await valueIn(folder, "routes")).toEqual([{ pattern: "app.example.com", custom_domain: true }]);
  });

  test.each([
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ])("writes nothing if it is left by %s", async (_name, key) => {
    const folder = await empty();
    const terminal = await Terminal.run(["init"], { ...OFFLINE, cwd: folder });
    await terminal.until(({ output }) => output.includes("Host name"));
    terminal.type(key);
    expect(await terminal.code).toBe(130);
    expect(existsSync(join(folder, "wrangler.toml"))).toBe(false);
    expect(await terminal.wasLeftCooked()).toBe(true);
  });
});
