import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Handler, Origin } from "../support/origin.ts";
import { TOKEN } from "../support/sluice.ts";
import { Run, type RunOptions } from "./command.ts";
import { Folder } from "./script.ts";
import { stage } from "./stage.ts";

const NOBODY = "http://127.0.0.1:1";
const POOLS = `
[vars.POOLS.reports]
servers = [{ name = "reports-1", url = "http://a.test" }, { name = "reports-2", url = "http://b.test" }]
[env.staging.vars.POOLS.api]
servers = [{ name = "api-1", url = "http://c.test" }]
[env.staging.vars.POOLS_2.more]
servers = [{ name = "more-1", url = "http://d.test" }]
`;

/** The candidates for the last of the words. Whatever happens, there is no error to be seen. */
async function completed(words: string[], options: RunOptions): Promise<string[]> {
  const run = new Run(["complete", "--", ...words], options);
  expect({ code: await run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: "" });
  return run.stdout.split("\n").filter((line) => line !== "");
}

async function folderWith(file: string, text: string): Promise<string> {
  const { path } = await Folder.make();
  await writeFile(join(path, file), text);
  return path;
}

async function playing(answer: Handler | null): Promise<Origin> {
  const origin = await Origin.start(answer);
  onTestFinished(() => origin.stop());
  return origin;
}

describe("the pools and servers of a Sluice that answers", () => {
  test.each([
    ["a pool", ["status", ""], ["web"]],
    ["a pool that has begun", ["drain", "w"], ["web"]],
    ["a pool behind options", ["roll", "--up-timeout", "1m", ""], ["web"]],
    ["none that begins otherwise", ["top", "a"], []],
    ["a server of the pool", ["server", "web", ""], ["web-0", "web-1"]],
    ["no server of another pool", ["server", "api", ""], []],
    ["no third name", ["server", "web", "web-0", ""], []],
  ])("complete %s", async (_, words, names) => {
    const { sluice } = await stage(2);
    expect(await completed(words, { url: sluice.url })).toEqual(names);
  });

  test("are those of --url and --token, where these are typed", async () => {
    const { sluice } = await stage(1);
    const options = { url: NOBODY, env: { SLUICE_TOKEN: "not-the-token" } };
    expect(await completed(["--url", sluice.url, "--token", TOKEN, "status", ""], options)).toEqual(["web"]);
    const assigned = ["status", `--url=${sluice.url}`, `--token=${TOKEN}`, ""];
    expect(await completed(assigned, options)).toEqual(["web"]);
  });

  test("are preferred to those of a file", async () => {
    const { sluice } = await stage(1);
    const cwd = await folderWith("wrangler.toml", POOLS);
    expect(await completed(["status", ""], { url: sluice.url, cwd })).toEqual(["web"]);
  });
});

describe("without an answer", () => {
  test.each([
    ["wrangler.toml", POOLS],
    [
      "wrangler.jsonc",
      '{ "vars": { "POOLS": { "reports": { "servers": [{ "name": "reports-1" }] } } } } // ours',
    ],
  ])("the pools and servers of %s are completed", async (file, text) => {
    const cwd = await folderWith(file, text);
    expect(await completed(["status", "re"], { url: NOBODY, cwd })).toEqual(["reports"]);
    expect(await completed(["server", "reports", "reports-1"], { url: NOBODY, cwd })).toEqual(["reports-1"]);
  });

  test("those of all environments are", async () => {
    const cwd = await folderWith("wrangler.toml", POOLS);
    expect(await completed(["status", ""], { url: NOBODY, cwd })).toEqual(["reports", "api", "more"]);
    expect(await completed(["server", "more", ""], { url: NOBODY, cwd })).toEqual(["more-1"]);
  });

  test("those of the file are also where Sluice says nothing, or no URL or token is set", async () => {
    const silent = await playing(null);
    const cwd = await folderWith("wrangler.toml", POOLS);
    for (const options of [
      { url: silent.url },
      { url: "nonsense" },
      { url: NOBODY, env: { SLUICE_URL: undefined } },
      { url: NOBODY, env: { SLUICE_TOKEN: undefined } },
    ]) {
      expect(await completed(["status", "re"], { ...options, cwd })).toEqual(["reports"]);
    }
    expect(silent.count).toBe(1);
  });
});

describe("a list with commas", () => {
  const making = ["token", "new", "ci"];
  const RIGHTS = ["look", "drain", "servers", "register", "slots", "deferred", "force"];

  test.each([
    ["every right, and all of them", ["--may", ""], [...RIGHTS, "all"]],
    ["a right that has begun", ["--may", "d"], ["drain", "deferred"]],
    ["the next right", ["--may", "look,d"], ["look,drain", "look,deferred"]],
    ["no right twice", ["--may", "drain,look,d"], ["drain,look,deferred"]],
    ["one behind an equals sign", ["--may=look,f"], ["--may=look,force"]],
    ["one behind an equals sign, as bash has it", ["--may", "=", "look,f"], ["look,force"]],
    ["every pool", ["--pools", ""], ["reports", "api", "more"]],
    ["the next pool", ["--pools", "api,"], ["api,reports", "api,more"]],
    ["a pool behind an equals sign", ["--pools=api,r"], ["--pools=api,reports"]],
  ])("completes %s", async (_, words, candidates) => {
    const cwd = await folderWith("wrangler.toml", POOLS);
    expect(await completed([...making, ...words], { url: NOBODY, cwd })).toEqual(candidates);
  });

  test("completes the pools of a Sluice that answers", async () => {
    const { sluice } = await stage(1);
    expect(await completed([...making, "--pools", ""], { url: sluice.url })).toEqual(["web"]);
  });
});

describe("the names of a file of tokens", () => {
  const entry = (digit: string) => ({ sha256: digit.repeat(64), may: ["look"] });
  const TOKENS = JSON.stringify({ ci: entry("1"), jane: entry("2"), "$(id)": entry("3"), broken: {} });

  test.each([
    ["of the one that is named", "ours.json", ["--from", "ours.json", ""], ["ci", "jane"]],
    ["of one behind an equals sign", "ours.json", ["--from=ours.json", "j"], ["jane"]],
    ["of the usual one where none is named", "admin-tokens.json", [""], ["ci", "jane"]],
    ["of no other", "admin-tokens.json", ["--from", "ours.json", ""], []],
    ["and no second name", "admin-tokens.json", ["ci", ""], []],
  ])("are completed to revoke one: %s", async (_, file, words, names) => {
    const cwd = await folderWith(file, TOKENS);
    expect(await completed(["token", "revoke", ...words], { url: NOBODY, cwd })).toEqual(names);
  });

  test("are not completed to make a token: somebody new gets it, mostly", async () => {
    const cwd = await folderWith("admin-tokens.json", TOKENS);
    expect(await completed(["token", "new", ""], { url: NOBODY, cwd })).toEqual([]);
  });

  test.each(["", "{", "[]", "7"])("are none where it has none: %j", async (text) => {
    const cwd = await folderWith("admin-tokens.json", text);
    expect(await completed(["token", "revoke", ""], { url: NOBODY, cwd })).toEqual([]);
  });

  test("are none where it is a pipe, in which nobody may ever write, or a folder", async () => {
    const cwd = await folderWith("admin-tokens.json", TOKENS);
    spawnSync("mkfifo", [join(cwd, "silence")]);
    for (const file of ["silence", "."])
      expect(await completed(["token", "revoke", "--from", file, ""], { url: NOBODY, cwd })).toEqual([]);
  });
});

test("a name service that does not answer holds nobody up", async () => {
  const cwd = await folderWith("wrangler.toml", POOLS);
  spawnSync("mkfifo", [join(cwd, "silence")]);
  // The only thread for lookups reads from where nobody writes.
  const slow = `const [dns, fs] = [require("node:dns"), require("node:fs")];
    const { lookup } = dns;
    dns.lookup = (...args) => { fs.open("silence", "r", () => {}); lookup(...args); };`;
  await writeFile(join(cwd, "slow.cjs"), slow);
  const env = { UV_THREADPOOL_SIZE: "1", NODE_OPTIONS: "--require ./slow.cjs" };
  const { url } = await playing(null);
  const words = ["complete", "--", "status", "re"];
  const run = new Run(words, { url: url.replace("127.0.0.1", "localhost"), cwd, env });
  await run.code;
  expect([run.stdout, run.stderr]).toEqual(["reports\n", ""]);
});

describe("nothing is completed, and nothing is said,", () => {
  const answering = (body: string) => playing((_, response) => response.end(body));

  test.each([
    ["a token that is refused", '{"code":"unauthorized","detail":"no"}'],
    ["what is not Sluice", "<h1>hello</h1>"],
    ["pools that are none", '{"pools":[null,{"name":7}],"unreachable":[{}]}'],
    [
      "names that would act on the shell",
      '{"pools":[{"name":"$(id)","servers":[{"name":"a b"}]}],"unreachable":["`id`"]}',
    ],
  ])("for %s", async (_, body) => {
    const { url } = await answering(body);
    const { path: cwd } = await Folder.make();
    expect(await completed(["status", ""], { url, cwd })).toEqual([]);
    expect(await completed(["server", "$(id)", ""], { url, cwd })).toEqual([]);
  });

  test.each([
    "[vars",
    "",
    "vars = 1",
    "[vars]\nPOOLS = 1",
    "[vars.POOLS]\nweb = 1",
    "[vars.POOLS.web]\nservers = [1, {}]",
  ])("for a file that has no servers: %j", async (text) => {
    const cwd = await folderWith("wrangler.toml", text);
    expect(await completed(["server", "web", ""], { url: NOBODY, cwd })).toEqual([]);
  });

  test("and the token is not sent, where it would travel unencrypted", async () => {
    const origin = await playing((_, response) => response.end('{"pools":[],"unreachable":[]}'));
    const { path: cwd } = await Folder.make();
    // This machine too, but not by a loopback address.
    const url = origin.url.replace("127.0.0.1", "0.0.0.0");
    expect(await completed(["status", ""], { url, cwd })).toEqual([]);
    expect(origin.count).toBe(0);
  });
});

test("Sluice is not asked for what is no name of a pool or server", async () => {
  const origin = await playing(null);
  await completed(["dep"], { url: origin.url });
  await completed(["deploy", "web", "--on-failure", ""], { url: origin.url });
  await completed(["deploy", "web", "--", ""], { url: origin.url });
  await completed(["server", "web", "--st"], { url: origin.url });
  await completed(["token", "new", "ci", "--may", ""], { url: origin.url });
  await completed(["token", "revoke", ""], { url: origin.url });
  expect(origin.count).toBe(0);
});
