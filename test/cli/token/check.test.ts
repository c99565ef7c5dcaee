import { describe, expect, onTestFinished, test } from "vitest";
import { Sluice, type SluiceOptions } from "../../support/sluice.ts";
import { Run } from "../command.ts";
import { end } from "../end.ts";
import { DIGEST, FILE, folderWith, OTHER, sha256, token } from "./support.ts";

describe("sluice token check", () => {
  const CI = "sluice_the-token-of-ci-which-is-long";
  const POOLS = {
    web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] },
    api: { path_prefix: "/api/", servers: [{ name: "api-1", url: "http://127.0.0.1:8" }] },
  };
  const started = async (options: Partial<SluiceOptions> = {}) => {
    const sluice = await Sluice.start({ pools: POOLS, ...options });
    onTestFinished(() => sluice.stop());
    return sluice;
  };
  const tokens = (pools?: string[]) => ({
    ADMIN_TOKENS: JSON.stringify({
      ci: { sha256: sha256(CI), may: ["look", "drain"], ...(pools ? { pools } : {}) },
    }),
  });

  test("says who one is, how one has signed in, and what one may do in which pool", async () => {
    const { url } = await started({ texts: tokens(["web"]) });
    expect(await end(["token", "check"], { url, env: { SLUICE_TOKEN: CI } })).toEqual({
      code: 0,
      stdout: [
        '"ci", signed in by a token of ADMIN_TOKENS',
        "",
        "POOL  LOOK  DRAIN  SERVERS  REGISTER  SLOTS  DEFERRED  FORCE",
        "web   yes   yes    –        –         –      –         –",
        "",
      ].join("\n"),
      stderr: "",
    });
    const admin = await end(["token", "check"], { url });
    expect(admin.stdout).toContain('"admin", signed in by ADMIN_TOKEN, which may do everything\n');
    expect(admin.stdout).toContain("\napi   yes   yes    yes      yes       yes    yes       yes\n");
  });

  test("says so where that is nothing, and --json is what Sluice says", async () => {
    const { url } = await started({ texts: tokens(["gone"]) });
    const env = { SLUICE_TOKEN: CI };
    expect((await end(["token", "check"], { url, env })).stdout).toBe(
      '"ci", signed in by a token of ADMIN_TOKENS\nhas no right for any pool that is configured\n',
    );
    const { stdout } = await end(["token", "check", "--json"], { url, env });
    expect(JSON.parse(stdout)).toEqual({ name: "ci", via: "token", pools: {} });
  });

  test("reads the token from stdin where it is told to, whatever SLUICE_TOKEN is", async () => {
    const { url } = await started({ texts: tokens() });
    const run = new Run(["token", "check", "--stdin", "--json"], { url, input: `${CI}\n` });
    expect(await run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ name: "ci", pools: { web: ["look", "drain"] } });
  });

  test.each([
    [
      "a token that nobody has",
      { SLUICE_TOKEN: "nobodys-token-at-all" },
      77,
      "Sluice does not know this token",
    ],
    ["no token", { SLUICE_TOKEN: undefined }, 77, "Set SLUICE_TOKEN, or --token, to your token"],
    ["no address", { SLUICE_URL: undefined }, 64, "Set SLUICE_URL"],
  ])("with %s ends as every command does", async (_, env, code, words) => {
    const { url } = await started({ texts: tokens() });
    const run = await end(["token", "check"], { url, env });
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toContain(words);
  });

  describe("--from a file, without asking anybody,", () => {
    const file = {
      ci: { sha256: [DIGEST, sha256(CI).toUpperCase()], may: ["look", "drain"], pools: ["web"] },
      jane: { sha256: OTHER, may: ["*"] },
    };

    test.each([
      ["in SLUICE_TOKEN", [], { env: { SLUICE_TOKEN: CI } }],
      ["on stdin", ["--stdin"], { input: `${CI}\n` }],
    ])("says whose the token is that is %s, and what it may do", async (_, args, given) => {
      const run = await token(await folderWith(file), ["check", "--from", FILE, ...args], given);
      expect(run).toEqual({
        code: 0,
        stdout: [
          "admin-tokens.json: 2 names, no problem found",
          'the token is that of "ci", the newer of two: it may look, drain for web',
          "",
        ].join("\n"),
        stderr: "",
      });
    });

    test("judges the file alone where there is no token", async () => {
      const run = await token(await folderWith(file), ["check", "--from", FILE]);
      expect(run).toEqual({ code: 0, stdout: "admin-tokens.json: 2 names, no problem found\n", stderr: "" });
    });

    test("ends with 77 for a token that is nobody's, or that no Worker takes", async () => {
      const short = { ci: { sha256: sha256("short"), may: ["look"] } };
      const nobodys = await token(await folderWith(file), ["check", "--from", FILE], {
        env: { SLUICE_TOKEN: "nobodys-token-at-all" },
      });
      expect([nobodys.code, nobodys.stderr]).toEqual([77, `sluice: the token is nobody's in ${FILE}\n`]);
      const tooShort = await token(await folderWith(short), ["check", "--from", FILE, "--stdin"], {
        input: "short",
      });
      expect([tooShort.code, tooShort.stderr]).toEqual([
        77,
        "sluice: the token has fewer than 16 characters, and opens nothing\n",
      ]);
    });

    test("ends with 1 for a file with mistakes, and says with which lines, and that the token opens nothing", async () => {
      const text = `{\n  "ci": {\n    "sha256": "${sha256(CI)}",\n    "may": ["raed"]\n  }\n}`;
      const cwd = await folderWith(text);
      const env = { SLUICE_TOKEN: CI };
      const { code, stdout } = await token(cwd, ["check", "--from", FILE], { env });
      expect(code).toBe(1);
      expect(stdout.split("\n")).toEqual([
        expect.stringMatching(
          /^admin-tokens\.json:4: error: ci\.may\[0\]: "raed" is unknown; allowed: "look"/,
        ),
        "admin-tokens.json: 1 error",
        'the token is that of "ci", and opens nothing: its entry has a mistake',
        "",
      ]);
      const { stdout: json } = await token(cwd, ["check", "--from", FILE, "--json"], { env });
      expect(JSON.parse(json)).toEqual({
        file: FILE,
        ok: false,
        findings: [expect.objectContaining({ severity: "error", line: 4, key: "ci.may[0]" })],
        token: { name: "ci", which: "only", rights: null },
      });
    });

    test("as JSON has the rights of the token", async () => {
      const { stdout } = await token(await folderWith(file), ["check", "--from", FILE, "--json"], {
        env: { SLUICE_TOKEN: CI },
      });
      expect(JSON.parse(stdout)).toEqual({
        file: FILE,
        ok: true,
        findings: [],
        token: { name: "ci", which: "newer", rights: { may: ["look", "drain"], pools: ["web"] } },
      });
    });

    test.each([
      [
        "a file that is not there",
        ["--from", "nothing.json"],
        "",
        'Cannot read "nothing.json": there is no such file',
      ],
      ["an empty stdin", ["--from", FILE, "--stdin"], "\n", "There is no token on stdin."],
      ["a token that others can see", ["--from", FILE, "--token", CI], "", "Others can see --token"],
    ])("with %s ends with 64", async (_, args, input, words) => {
      const { code, stdout, stderr } = await token(await folderWith(file), ["check", ...args], { input });
      expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
      expect(stderr).toContain(words);
      expect(stderr).not.toContain(CI);
    });
  });
});
