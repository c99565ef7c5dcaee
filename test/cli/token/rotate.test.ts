import { readdir } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { Sluice } from "../../support/sluice.ts";
import { DIGEST, entriesIn, FILE, folderWith, OTHER, sha256, textIn, token } from "./support.ts";

describe("a name that has a token", () => {
  const ENTRY = { sha256: DIGEST, may: ["look"], pools: ["web"] };

  test("gets a second one, which is valid beside it, with the same rights", async () => {
    const cwd = await folderWith({ ci: ENTRY, jane: { sha256: OTHER, may: ["*"] } });
    const { stdout, stderr } = await token(cwd, ["new", "ci", "--into", FILE]);
    expect(await entriesIn(cwd)).toEqual({
      ci: { ...ENTRY, sha256: [DIGEST, sha256(stdout.trim())] },
      jane: { sha256: OTHER, may: ["*"] },
    });
    expect(Object.keys(await entriesIn(cwd))).toEqual(["ci", "jane"]);
    expect(stderr).toContain('"ci" has two valid tokens then');
    expect(stderr).toContain("\n  sluice token revoke ci --old --from admin-tokens.json\n");
  });

  test("gets other rights only if they are given", async () => {
    const cwd = await folderWith({ ci: ENTRY });
    await token(cwd, ["new", "ci", "--may", "look,drain", "--pools", "api", "--into", FILE]);
    expect((await entriesIn(cwd)).ci).toMatchObject({ may: ["look", "drain"], pools: ["api"] });
  });

  test("gets no third one, and is told what to do", async () => {
    const two = { ci: { ...ENTRY, sha256: [DIGEST, OTHER] } };
    const cwd = await folderWith(two);
    const { code, stdout, stderr } = await token(cwd, ["new", "ci", "--into", FILE]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toBe(
      'sluice: "ci" has two tokens already. Where the newer one is in use everywhere, take the older out: ' +
        "sluice token revoke ci --old --from admin-tokens.json. --replace does so, and adds another.\n",
    );
    expect(await entriesIn(cwd)).toEqual(two);
  });

  test("gets a third one in place of the oldest with --replace", async () => {
    const cwd = await folderWith({ ci: { ...ENTRY, sha256: [DIGEST, OTHER] } });
    const { code, stdout } = await token(cwd, ["new", "ci", "--replace", "--into", FILE]);
    expect(code).toBe(0);
    expect((await entriesIn(cwd)).ci.sha256).toEqual([OTHER, sha256(stdout.trim())]);
  });
});

describe("sluice token revoke", () => {
  const ENTRY = { sha256: [DIGEST, OTHER], may: ["look"] };

  test("takes the name out, and says that it counts once it is stored", async () => {
    const cwd = await folderWith({ ci: ENTRY, jane: { sha256: "ef".repeat(32), may: ["*"] } });
    const { code, stdout } = await token(cwd, ["revoke", "ci", "--from", FILE]);
    expect(code).toBe(0);
    expect(stdout).toContain('"ci": nobody of that name is left in admin-tokens.json. Until that is stored');
    expect(stdout).toContain("\n  npx wrangler secret put ADMIN_TOKENS < admin-tokens.json\n");
    expect(await entriesIn(cwd)).toEqual({ jane: { sha256: "ef".repeat(32), may: ["*"] } });
    expect(await token(cwd, ["revoke", "jane", "--from", FILE])).toMatchObject({ code: 0 });
    expect(await textIn(cwd)).toBe("{}\n");
  });

  test("--old takes the older of two tokens out, and nothing where there is one", async () => {
    const cwd = await folderWith({ ci: ENTRY });
    const { stdout } = await token(cwd, ["revoke", "ci", "--old", "--from", FILE, "--json"]);
    expect(JSON.parse(stdout)).toEqual({ name: "ci", entry: { ...ENTRY, sha256: OTHER }, file: FILE });
    expect(await entriesIn(cwd)).toEqual({ ci: { ...ENTRY, sha256: OTHER } });
    const again = await token(cwd, ["revoke", "ci", "--old", "--from", FILE]);
    expect(again).toMatchObject({
      code: 64,
      stderr: 'sluice: "ci" has a single token, which goes without --old.\n',
    });
  });

  test.each([
    ["cj", { ci: ENTRY, jane: ENTRY }, `${FILE} has 1 error`],
    [
      "jan",
      { ci: ENTRY, jane: { ...ENTRY, sha256: "ef".repeat(32) } },
      `${FILE} has no name "jan", only ci, jane. Did you mean "jane"?`,
    ],
    ["ci", {}, `${FILE} has no name "ci".`],
    ["ci", undefined, `Cannot read "${FILE}": there is no such file.`],
  ])("of %s in %j changes nothing", async (name, content, words) => {
    const cwd = await folderWith(content);
    const { code, stdout, stderr } = await token(cwd, ["revoke", name, "--from", FILE]);
    expect(stdout).toBe("");
    if (words.includes("error"))
      expect([code, stderr]).toEqual([1, expect.stringContaining("jane.sha256: is that of ci")]);
    else expect([code, stderr]).toEqual([64, `sluice: ${words}\n`]);
    expect(await readdir(cwd)).toEqual(content === undefined ? [] : [FILE]);
  });
});

test("tokens of two times, and their end, are what a Worker goes by", async () => {
  const cwd = await folderWith();
  const made = async (...args: string[]) =>
    (await token(cwd, ["new", "ci", ...args, "--into", FILE])).stdout.trim();
  const statusesOf = async (...given: string[]) => {
    const pools = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };
    const sluice = await Sluice.start({ pools, texts: { ADMIN_TOKENS: await textIn(cwd) } });
    onTestFinished(() => sluice.stop());
    const answers = given.map((one) => sluice.admin("GET", "/api/pools/web", undefined, one));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  const older = await made("--may", "look");
  const newer = await made();
  expect(await statusesOf(older, newer)).toEqual([200, 200]);
  await token(cwd, ["revoke", "ci", "--old", "--from", FILE]);
  expect(await statusesOf(older, newer)).toEqual([401, 200]);
  await token(cwd, ["new", "jane", "--may", "look", "--into", FILE]);
  await token(cwd, ["revoke", "ci", "--from", FILE]);
  expect(await statusesOf(older, newer)).toEqual([401, 401]);
});
