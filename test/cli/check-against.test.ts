import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sluice, TOKEN } from "../support/sluice.ts";
import { Run } from "./command.ts";
import { Folder } from "./script.ts";
import { SERVER, toml } from "./wrangler-file/support.ts";

/** A token that may look at no pool that runs. */
const OF_API = "sluice_the-token-for-the-pool-api";

let sluice: Sluice;
beforeAll(async () => {
  const servers = [{ name: "web-1", url: "https://web-1.example.com" }];
  const tokens = {
    api: { sha256: createHash("sha256").update(OF_API).digest("hex"), may: ["look"], pools: ["api"] },
  };
  const texts = { ADMIN_TOKENS: JSON.stringify(tokens) };
  sluice = await Sluice.start({ pools: { web: { servers } }, bundle: "production", texts });
});
afterAll(() => sluice.stop());

const SAME = toml(`[vars.POOLS.web]\nservers = [${SERVER}]`);
const RENAMED = toml(`[vars.POOLS.www]\nservers = [${SERVER}]`);

/** SLUICE_URL, which `--against` overrides, leads nowhere. */
async function check(text: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const { path: cwd } = await Folder.make();
  await writeFile(join(cwd, "wrangler.toml"), text);
  const run = new Run(["check", ...args], { url: "http://127.0.0.1:1", cwd, env: { NO_COLOR: "1", ...env } });
  const code = await run.code;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

describe("sluice check --against", () => {
  test("says what it has compared, and ends with 0 where nothing can overlap", async () => {
    expect(await check(SAME, ["--against", sluice.url])).toEqual({
      code: 0,
      stdout: `wrangler.toml: 1 pool, 1 server, no problem found, also not against ${sluice.url}\n`,
      stderr: "",
    });
  });

  test("ends with 1 where a server would get requests of two pools, until its pool is drained", async () => {
    const { code, stdout } = await check(RENAMED, ["--against", sluice.url]);
    expect(stdout).toMatch(/^wrangler\.toml:5: error: vars\.POOLS\.www\.servers\[0\]\.url: .*pool "web"/);
    expect(code).toBe(1);
    expect((await sluice.drain("web")).status).toBe(200);
    expect((await check(RENAMED, ["--against", sluice.url])).code).toBe(0);
    expect((await sluice.resume("web")).status).toBe(200);
  });

  test("tells it in JSON too", async () => {
    const { code, stdout } = await check(RENAMED, ["--against", sluice.url, "--json"]);
    const { ok, findings } = JSON.parse(stdout);
    expect([code, ok, findings.length, findings[0].key]).toEqual([
      1,
      false,
      1,
      "vars.POOLS.www.servers[0].url",
    ]);
  });

  test("says which pools the token may not see, and compares nothing of them", async () => {
    const file = toml(
      `[vars.POOLS.web]\nservers = [${SERVER.replace("https:", "http:")}]\n[vars.POOLS."a b"]`,
    );
    const { stdout } = await check(file, ["--against", sluice.url], { SLUICE_TOKEN: OF_API });
    expect(stdout).toContain(
      "warning: vars.POOLS.web: your token may not look at this pool, so that it is not compared",
    );
    expect(stdout).not.toContain("the same host runs");
    const all = await check(file, ["--against", sluice.url]);
    expect(all.stdout).toContain("the same host runs");
    expect(all.stdout).not.toContain("may not look");
  });

  test("ends with 69 where Sluice cannot be reached, with 77 for a wrong token", async () => {
    const nobody = await check(SAME, ["--against", "http://127.0.0.1:1"]);
    expect([nobody.code, nobody.stdout]).toEqual([69, ""]);
    expect(nobody.stderr).toContain("http://127.0.0.1:1 cannot be reached");
    const wrong = await check(SAME, ["--against", sluice.url], { SLUICE_TOKEN: `${TOKEN}x` });
    expect([wrong.code, wrong.stdout]).toEqual([77, ""]);
  });

  test("ends with 64 where that is no origin", async () => {
    const { code, stderr } = await check(SAME, ["--against", "sluice"]);
    expect(code).toBe(64);
    expect(stderr).toContain('"sluice" is not an origin');
  });

  test("compares the environment that --env names", async () => {
    const { code, stdout } = await check(SAME, ["--against", sluice.url, "--env", "green"]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("env.green.vars.POOLS: missing")]);
  });
});
