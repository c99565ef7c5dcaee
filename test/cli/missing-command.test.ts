import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Run } from "./command.ts";
import { end } from "./end.ts";
import { Folder } from "./script.ts";
import { stage } from "./stage.ts";

/** Whoever asked it would end with 69. */
const NOBODY = "http://127.0.0.1:1";

/** A folder with what cannot be run, and with one script that can. */
async function folderOfScripts(): Promise<string> {
  const { path } = await Folder.make();
  await mkdir(join(path, "bin/folder"), { recursive: true });
  await writeFile(join(path, "bin/text"), "#!/bin/sh\n", { mode: 0o644 });
  await writeFile(join(path, "bin/script"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  await writeFile(join(path, "bin/of-another-age"), "#!/nowhere/sh\n", { mode: 0o755 });
  await symlink("round", join(path, "bin/round"));
  return path;
}

describe.each(["deploy", "roll"])("%s of a command that cannot be run", (name) => {
  test.each([
    ["is in no folder of the PATH", "no-such-command", 'There is no command "no-such-command" on the PATH.'],
    ["is no file", "bin/nowhere", '"bin/nowhere" cannot be run: there is no such file.'],
    ["lies in what is no folder", "bin/text/x", '"bin/text/x" cannot be run: there is no such file.'],
    ["is a folder", "bin/folder", '"bin/folder" cannot be run: it is not a file.'],
    ["is a folder on the PATH", "folder", '"folder" cannot be run: it is not a file.'],
    ["may not be executed", "bin/text", '"bin/text" cannot be run: it is not executable.'],
    ["may not be executed, on the PATH", "text", '"text" cannot be run: it is not executable.'],
    ["is a link to itself", "bin/round", '"bin/round" cannot be run: ELOOP'],
    ["has a name that is too long", `./${"x".repeat(300)}`, "cannot be run: ENAMETOOLONG"],
    ["has no name", "", "The command is empty."],
  ])("because it %s ends with 64, before Sluice is asked for anything", async (_, file, words) => {
    const cwd = await folderOfScripts();
    const env = { PATH: `${join(cwd, "bin")}:/usr/bin:/bin` };
    const { code, stdout, stderr } = await end([name, "web", "--", file], { url: NOBODY, cwd, env });
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain(words);
  });
});

test.each([
  ["a folder of the PATH", "script", "/nowhere:bin"],
  ["a folder of the PATH behind one with a file of that name that may not be executed", "text", "bin:more"],
  ["this folder, which an empty part of the PATH stands for", "here", "/nowhere:"],
  ["a path", "bin/script", "/nowhere"],
  ["the usual folders, where there is no PATH", "echo", undefined],
])("a command is found in %s", async (_, file, PATH) => {
  const { sluice } = await stage();
  const cwd = await folderOfScripts();
  await mkdir(join(cwd, "more"));
  for (const path of ["more/text", "here"])
    await writeFile(join(cwd, path), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  const run = new Run(["deploy", "web", "--", file, "ran"], { url: sluice.url, cwd, env: { PATH } });
  expect(await run.code, run.stderr).toBe(0);
  expect(run.stdout).toBe("ran\n");
});

test.each(["deploy", "roll"])(
  "%s of a script whose interpreter is missing ends with 127, as in a shell, and the pool runs again",
  async (name) => {
    const { sluice } = await stage();
    const cwd = await folderOfScripts();
    const run = new Run([name, "web", "--", "bin/of-another-age"], { url: sluice.url, cwd });
    expect(await run.code).toBe(127);
    expect(run.stderr).toContain("bin/of-another-age cannot be run: ");
    const { state, servers } = await sluice.snapshot("web");
    expect([state, servers[0]?.state]).toEqual(["running", "ready"]);
  },
);
