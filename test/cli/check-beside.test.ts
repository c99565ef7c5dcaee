import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Run } from "./command.ts";
import { Folder } from "./script.ts";
import { web } from "./wrangler-file/support.ts";

const DIGEST = "ab".repeat(32);

async function check(devVars: string, file = web("")) {
  const { path: cwd } = await Folder.make();
  await writeFile(join(cwd, "wrangler.toml"), file);
  await writeFile(join(cwd, ".dev.vars"), devVars);
  const run = new Run(["check"], { url: "http://127.0.0.1:1", cwd, env: { NO_COLOR: "1" } });
  return { code: await run.code, stdout: run.stdout };
}

describe("sluice check beside a .dev.vars", () => {
  test.each([
    "ADMIN_TOKEN=short-token",
    'OTHER=x\nexport ADMIN_TOKEN = "short-token" # mine',
    "ADMIN_TOKEN='short-token'\r\n",
    "ADMIN_TOKEN: short-token",
    "ADMIN_TOKEN=0123456789abcdef\nADMIN_TOKEN=short-token",
    "ADMIN_TOKEN=short-token # which is long enough with this",
  ])("warns of a token that the Worker would not take, without telling it: %j", async (devVars) => {
    const { code, stdout } = await check(devVars);
    expect(stdout).toContain("warning: .dev.vars: ADMIN_TOKEN has fewer than 16 characters");
    expect(stdout).not.toContain("short-token");
    expect(code).toBe(0);
  });

  test.each(["ADMIN_TOKEN=0123456789abcdef", "#ADMIN_TOKEN=short", "MY_ADMIN_TOKEN=short", ""])(
    "has nothing to say of %j",
    async (devVars) => {
      expect((await check(devVars)).stdout).toContain("no problem found");
    },
  );

  test.each([
    [
      `ADMIN_TOKENS={"ci": {"sha256": "my-token", "may": ["look"]}}`,
      "ADMIN_TOKENS.ci.sha256: is neither a SHA-256 digest nor a list of one or two",
    ],
    [
      `ADMIN_TOKENS={"ci": {"sha256": "${DIGEST}", "may": ["read"]}}`,
      'ADMIN_TOKENS.ci.may[0]: "read" is unknown; allowed: "look"',
    ],
    [
      `ADMIN_TOKENS='{\n  "ci": { "sha256": "${DIGEST}", "may": ["look"], "pools": ["wep"] }\n}'`,
      'ADMIN_TOKENS.ci.pools: "wep" is no pool of this configuration; did you mean "web"?',
    ],
    ["ADMIN_TOKENS=my-token", "ADMIN_TOKENS: is not a table; allowed: JSON like"],
    [
      `ADMIN_TOKENS={\n  "ci": { "sha256": "${DIGEST}", "may": ["look"] }\n}`,
      "; on several lines it stands in '…'",
    ],
  ])(
    "warns of what is wrong with the tokens of operators, without telling one: %j",
    async (devVars, words) => {
      const { code, stdout } = await check(devVars);
      expect(stdout).toContain("warning: .dev.vars: ADMIN_TOKENS");
      expect(stdout).toContain(words);
      expect(stdout).not.toContain("my-token");
      expect(code).toBe(0);
    },
  );

  test("knows the pools of all environments, for which the file may be", async () => {
    const entry = { sha256: DIGEST, may: ["look"], pools: ["web", "blue"] };
    const file = web('[env.b.vars.POOLS.blue]\nservers = [{ name = "b", url = "https://b.example.com" }]');
    const { stdout } = await check(`ADMIN_TOKENS='${JSON.stringify({ ci: entry })}'`, file);
    expect(stdout).not.toContain(".dev.vars");
  });

  test.each([
    `ADMIN_TOKENS={"ci": {"sha256": "${DIGEST}", "may": ["look"], "pools": ["web"]}}`,
    `export ADMIN_TOKENS='\n{"ci": {"sha256": ["${DIGEST}", "${"cd".repeat(32)}"],\n"may": ["*"]}}\n' # two`,
    "ADMIN_TOKENS=",
  ])("has nothing to say of tokens that are right: %j", async (devVars) => {
    expect((await check(devVars)).stdout).toContain("no problem found");
  });
});
