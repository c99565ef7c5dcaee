import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Run, type RunOptions } from "./command.ts";
import { Folder } from "./script.ts";
import { PLATFORM_JSON, SERVER, toml, web } from "./wrangler-file/support.ts";

/** No Sluice is there: the command must not need one. */
const OFFLINE = { url: "http://127.0.0.1:1", env: { NO_COLOR: "1", FORCE_COLOR: "0" } } satisfies RunOptions;

async function folderWith(files: Record<string, string>): Promise<string> {
  const { path } = await Folder.make();
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

async function check(cwd: string, args: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const run = new Run(["check", ...args], { ...OFFLINE, cwd, env: { ...OFFLINE.env, ...env } });
  const code = await run.code;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

const WRONG = toml(`[vars.POOLS.web]\nservers = [${SERVER}]\nslots = 0\nqueue_timeout = "1m"\nmax_que = 5`);

describe("sluice check", () => {
  test("says what it has looked at when nothing is wrong, and ends with 0", async () => {
    const two = `${web('hosts = ["a.com"]')}\n[vars.POOLS.api]\nservers = [${SERVER.replace("web-1.", "api.")}]`;
    expect(await check(await folderWith({ "wrangler.toml": two }))).toEqual({
      code: 0,
      stdout: "wrangler.toml: 2 pools, 2 servers, no problem found\n",
      stderr: "",
    });
  });

  test("says how many environments it has looked at", async () => {
    const pools = { vars: { POOLS: { web: { servers: [{ name: "a", url: "https://a.example.com" }] } } } };
    const { durable_objects } = PLATFORM_JSON;
    const text = JSON.stringify({ ...PLATFORM_JSON, ...pools, env: { blue: { ...pools, durable_objects } } });
    const { stdout } = await check(await folderWith({ "wrangler.jsonc": text }));
    expect(stdout).toBe("wrangler.jsonc: 2 pools, 2 servers in 2 environments, no problem found\n");
  });

  test("writes a line for each finding as compilers do, then their sum, and ends with 1", async () => {
    const { code, stdout, stderr } = await check(await folderWith({ "wrangler.toml": WRONG }));
    const [first, second, third, ...rest] = stdout.split("\n");
    expect(first).toBe("wrangler.toml:6: error: vars.POOLS.web.slots: 0 is out of range; allowed: 1 to 1000");
    expect(second).toMatch(
      /^wrangler\.toml:8: error: vars\.POOLS\.web\.max_que: unknown key, given 5; did you mean "max_queue"\?/,
    );
    expect([third, ...rest]).toEqual(["2 errors", ""]);
    expect([code, stderr]).toEqual([1, ""]);
  });

  test("ends with 0 where there are only warnings", async () => {
    const file = await folderWith({ "wrangler.toml": web("") });
    const { code, stdout } = await check(file, ["--longest-drain", "15m"]);
    expect(stdout).toMatch(
      /^wrangler\.toml:4: warning: vars\.POOLS\.web\.queue_timeout: 10m .* 15m.*\n1 warning\n$/,
    );
    expect(code).toBe(0);
  });

  test("counts notes apart, and ends with 0 where there is nothing else", async () => {
    const text = web('deferred = { max_body = "200MiB", keep = "1m" }\ncheck = { path = "/" }');
    const { code, stdout } = await check(await folderWith({ "wrangler.toml": text }));
    expect(stdout).toMatch(
      /^wrangler\.toml:6: warning: .*\.keep: .*\nwrangler\.toml:6: note: .*\.max_body: .*\n1 warning, 1 note\n$/,
    );
    expect(code).toBe(0);
  });

  test("says by service times where a pool needs more shards, and ends with 0 all the same", async () => {
    const file = await folderWith({ "wrangler.toml": web("slots = 40") });
    for (const args of [
      ["--service", "web=10ms"],
      ["--service=web=1m", "--service", "web=10ms"],
    ]) {
      const { code, stdout } = await check(file, args);
      expect(stdout).toMatch(
        /^wrangler\.toml:4: note: vars\.POOLS\.web\.shards: 40 slots of 10ms .*\n1 note\n$/,
      );
      expect(code).toBe(0);
    }
    const { stdout } = await check(file, ["--service", "web=1m"]);
    expect(stdout).toBe("wrangler.toml: 1 pool, 1 server, no problem found\n");
  });

  test("knows no service time of a pool that is not in the file", async () => {
    const file = await folderWith({ "wrangler.toml": web("") });
    expect(await check(file, ["--service", "web=1s,wbe=1s"])).toEqual({
      code: 64,
      stdout: "",
      stderr: 'sluice: There is no pool "wbe", only web.\n',
    });
  });

  test("writes one object with --json", async () => {
    const folder = await folderWith({ "sub.toml": WRONG, "sound.toml": web("") });
    const wrong = await check(folder, ["sub.toml", "--json"]);
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout)).toEqual({
      file: "sub.toml",
      ok: false,
      findings: [
        expect.objectContaining({
          severity: "error",
          line: 6,
          key: "vars.POOLS.web.slots",
          environment: null,
        }),
        expect.objectContaining({ severity: "error", line: 8, key: "vars.POOLS.web.max_que" }),
      ],
    });
    const sound = await check(folder, ["sound.toml", "--json"]);
    expect(JSON.parse(sound.stdout)).toEqual({ file: "sound.toml", ok: true, findings: [] });
    expect(sound.code).toBe(0);
  });

  test("finds the file in a folder above", async () => {
    const folder = await folderWith({ "wrangler.toml": web("") });
    await mkdir(join(folder, "src"));
    const { stdout } = await check(join(folder, "src"));
    expect(stdout).toBe("../wrangler.toml: 1 pool, 1 server, no problem found\n");
  });

  test("colours the word where colours are wanted", async () => {
    const { stdout } = await check(await folderWith({ "wrangler.toml": WRONG }), [], {
      NO_COLOR: undefined,
      FORCE_COLOR: "1",
    });
    expect(stdout).toContain("wrangler.toml:6: \x1b[31merror\x1b[39m: vars.");
  });

  test("does not let a file write to the terminal", async () => {
    const text = toml(`[vars.POOLS.web]\nservers = [${SERVER}]\nslots = "\\u001b[2J\u202e"`);
    const { stdout } = await check(await folderWith({ "wrangler.toml": text }));
    expect(stdout).toContain("vars.POOLS.web.slots: ");
    for (const control of ["\x1b", "\u202e"]) expect(stdout).not.toContain(control);
  });

  test.each([
    ["a file that is not there", ["nope.toml"], 'Cannot read "nope.toml": there is no such file.'],
    ["a folder", ["folder.toml"], 'Cannot read "folder.toml": EISDIR'],
    ["a file of another kind", ["wrangler.yaml"], '"wrangler.yaml" is not a file of wrangler\'s'],
    ["no file at all", [], "None of wrangler.json, wrangler.jsonc, wrangler.toml is here"],
    ["a duration without its unit", ["--longest-drain", "10"], "'10' is invalid"],
    ["a service time of no pool", ["--service", "100ms"], "Allowed are pools with a duration each"],
    ["a service time without its unit", ["--service", "web=100"], "web=100ms,api=2s"],
    ["two files", ["a.toml", "b.toml"], "too many arguments"],
  ])("ends with 64 for %s", async (_what, args, says) => {
    const folder = await folderWith({ "wrangler.yaml": "a: 1" });
    await mkdir(join(folder, "folder.toml"));
    const { code, stdout, stderr } = await check(folder, args);
    expect(stderr).toContain(says);
    expect([code, stdout]).toEqual([64, ""]);
  });
});
