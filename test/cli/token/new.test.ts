import { chmod, lstat, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readAdminTokens } from "../../../src/config/admin-tokens.ts";
import { web } from "../wrangler-file/support.ts";
import { entriesIn, FILE, folderWith, sha256, textIn, token } from "./support.ts";

describe("sluice token new", () => {
  test("prints only the token on stdout, once, and what to store on stderr, without the token", async () => {
    const cwd = await folderWith();
    const { code, stdout, stderr } = await token(cwd, ["new", "ci", "--may", "look,drain", "--pools", "web"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sluice_[\w-]{43}\n$/);
    const [, entry = ""] = /^ {2}(\{.*\})$/m.exec(stderr) ?? [];
    expect(JSON.parse(entry)).toEqual({
      ci: { sha256: sha256(stdout.trim()), may: ["look", "drain"], pools: ["web"] },
    });
    expect(stderr).toContain('the token of "ci", shown this once: it may look, drain for web\n');
    expect(stderr).toContain("\n  npx wrangler secret put ADMIN_TOKENS < admin-tokens.json\n");
    expect(stderr).toContain(".dev.vars");
    expect(stderr).toContain("`sluice serve` reads it when it starts");
    expect(stderr).not.toContain(stdout.trim());
    expect(await readdir(cwd)).toEqual([]);
  });

  test("makes another one each time", async () => {
    const cwd = await folderWith();
    const make = async () => (await token(cwd, ["new", "ci", "--may", "look"])).stdout;
    expect(await make()).not.toBe(await make());
  });

  test("--json has both on stdout, and says nothing else", async () => {
    const cwd = await folderWith();
    const { stdout, stderr } = await token(cwd, ["new", "jane", "--may", "all", "--into", FILE, "--json"]);
    const told = JSON.parse(stdout);
    expect(told).toEqual({
      name: "jane",
      token: expect.stringMatching(/^sluice_[\w-]{43}$/),
      entry: { sha256: sha256(told.token), may: ["*"] },
      file: FILE,
    });
    expect(stderr).toBe("");
    expect(await entriesIn(cwd)).toEqual({ jane: told.entry });
  });

  test("--into adds the digest to a file that the Worker takes as it is, a line a name, and no token", async () => {
    const cwd = await folderWith();
    const ci = await token(cwd, ["new", "ci", "--may", "drain,look", "--pools", "web,api", "--into", FILE]);
    const jane = await token(cwd, ["new", "jane", "--may", "*", "--into", FILE]);
    const text = await textIn(cwd);
    expect(text.split("\n")).toEqual([
      "{",
      `  "ci": { "sha256": "${sha256(ci.stdout.trim())}", "may": ["look", "drain"], "pools": ["web", "api"] },`,
      `  "jane": { "sha256": "${sha256(jane.stdout.trim())}", "may": ["*"] }`,
      "}",
      "",
    ]);
    expect(readAdminTokens(text).problems).toEqual([]);
    expect(text).not.toContain("sluice_");
    expect(jane.stderr).toContain("admin-tokens.json has its digest and no token, so that git may keep it");
    expect(jane.stderr).toContain("it may do everything for all pools");
  });

  test("takes an empty file for one without names, and a link for the file behind it", async () => {
    const cwd = await folderWith("\n");
    await symlink(FILE, join(cwd, "link.json"));
    expect((await token(cwd, ["new", "ci", "--may", "look", "--into", "link.json"])).code).toBe(0);
    expect(Object.keys(await entriesIn(cwd))).toEqual(["ci"]);
    expect((await lstat(join(cwd, "link.json"))).isSymbolicLink()).toBe(true);
  });

  test("keeps the file's permissions, and leaves nothing else behind", async () => {
    const cwd = await folderWith({});
    await chmod(join(cwd, FILE), 0o640);
    await token(cwd, ["new", "ci", "--may", "look", "--into", FILE]);
    expect((await stat(join(cwd, FILE))).mode & 0o777).toBe(0o640);
    expect(await readdir(cwd)).toEqual([FILE]);
  });
});

describe("sluice token new warns", () => {
  test("of pools that the wrangler.toml in the folder does not have, with what was meant", async () => {
    const cwd = await folderWith();
    await writeFile(join(cwd, "wrangler.toml"), web(""));
    const unknown = await token(cwd, ["new", "ci", "--may", "look", "--pools", "wep,web"]);
    expect(unknown.code).toBe(0);
    expect(unknown.stderr).toMatch(
      /^sluice: warning: "wep" is no pool of this configuration; did you mean "web"\?\nsluice: the token of/,
    );
    const known = await token(cwd, ["new", "ci", "--may", "look", "--pools", "web"]);
    expect(known.stderr).not.toContain("warning");
  });

  test("of a file that is too large for a secret of Cloudflare's", async () => {
    const many = Array.from({ length: 40 }, (_, n) => [
      `program-${n}`,
      { sha256: `${n}`.padStart(64, "0"), may: ["look", "drain", "servers"], pools: ["web", "api"] },
    ]);
    const cwd = await folderWith(Object.fromEntries(many));
    const { code, stderr } = await token(cwd, ["new", "ci", "--may", "look", "--into", FILE]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^sluice: warning: these are \d+ bytes, and Cloudflare takes secrets of at most 5120\n/,
    );
  });
});
