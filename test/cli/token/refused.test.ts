import { writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { changeTokenFile } from "../../../src/cli/token/token-file.ts";
import { DIGEST, FILE, folderWith, OTHER, textIn, token } from "./support.ts";

describe("sluice token new makes nothing", () => {
  test.each([
    [
      "without rights",
      ["ci"],
      '--may says what "ci" may do: look, drain, servers, register, slots, deferred, force; or all.',
    ],
    [
      "for a right that is none",
      ["ci", "--may", "look,dran"],
      '"dran" is not a right. Did you mean drain? Allowed are',
    ],
    ["for no right", ["ci", "--may", ","], "No right is named. Allowed are look, drain"],
    [
      "for what cannot be a pool",
      ["ci", "--may", "look", "--pools", "web,a b"],
      `"a b" is not a pool's name`,
    ],
    ["for no pool", ["ci", "--may", "look", "--pools", ""], "No pool is named"],
    ["for what cannot be a name", ["a/b", "--may", "look"], '"a/b" is not a name; allowed: 1 to 63 of'],
    ["for the name of ADMIN_TOKEN", ["admin", "--may", "look"], '"admin" is who has ADMIN_TOKEN'],
    ["in place of another without a file", ["ci", "--may", "look", "--replace"], "--replace needs --into"],
  ])("%s, and says what is allowed", async (_, args, words) => {
    const cwd = await folderWith();
    const { code, stdout, stderr } = await token(cwd, [
      "new",
      ...args,
      ...(args.includes("--replace") ? [] : ["--into", FILE]),
    ]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain(words);
    expect(await readdir(cwd)).toEqual([]);
  });

  test.each([
    ["no JSON", '{\n  "ci": \n}', `${FILE}:3: error: not JSON: value expected`],
    ["JSON with comments", "{} // none", `${FILE}: error: not JSON as the Worker takes it`],
    ["a list", "[]", `${FILE}: error: ADMIN_TOKENS: is not a table`],
    [
      "a token where a digest should be",
      '{\n  "ci": {\n    "sha256": "hunter2-hunter2-hunter2",\n    "may": ["look"] } }',
      `${FILE}:3: error: ci.sha256: is neither a SHA-256 digest nor a list of one or two`,
    ],
    [
      "a right that is none",
      `{\n"ci": { "sha256": "${DIGEST}",\n"may": ["read"] } }`,
      `${FILE}:3: error: ci.may[0]: "read"`,
    ],
  ])("in a file with %s: it names the line, and leaves the file as it is", async (_, text, words) => {
    const cwd = await folderWith(text);
    const { code, stdout, stderr } = await token(cwd, ["new", "jane", "--may", "look", "--into", FILE]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(words);
    expect(stderr).toContain(`sluice: 1 error in ${FILE}: nothing was written\n`);
    expect(stderr).not.toContain("hunter2");
    expect(await textIn(cwd)).toBe(text);
    expect(await readdir(cwd)).toEqual([FILE]);
  });

  test("in a file that cannot be written", async () => {
    const cwd = await folderWith();
    const missing = await token(cwd, ["new", "ci", "--may", "look", "--into", "nowhere/tokens.json"]);
    expect(missing).toMatchObject({ code: 74, stdout: "" });
    expect(missing.stderr).toContain("sluice: nowhere/tokens.json cannot be written: ENOENT");
    await mkdir(join(cwd, "folder"));
    const folder = await token(cwd, ["new", "ci", "--may", "look", "--into", "folder"]);
    expect(folder).toMatchObject({ code: 64, stdout: "" });
    expect(folder.stderr).toContain('sluice: Cannot read "folder": EISDIR');
    expect(await readdir(cwd)).toEqual(["folder"]);
  });
});

test("a file that somebody else changes meanwhile is left as they made it", async () => {
  const cwd = await folderWith({ ci: { sha256: DIGEST, may: ["look"] } });
  const theirs = JSON.stringify({ jane: { sha256: OTHER, may: ["look"] } });
  const file = join(cwd, FILE);
  const change = changeTokenFile(file, (entries) => {
    writeFileSync(file, theirs);
    return entries;
  });
  await expect(change).rejects.toThrow("has changed meanwhile: once more, please. Nothing was written.");
  expect(await textIn(cwd)).toBe(theirs);
  expect(await readdir(cwd)).toEqual([FILE]);
});
