import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { commandPath } from "../support/bundle.ts";
import { Run } from "./command.ts";
import { Terminal } from "./pty.ts";
import { Folder } from "./script.ts";

/** Nobody is there: completion must not ask. */
const NOWHERE = "http://127.0.0.1:1";
const SHELLS = ["bash", "zsh", "fish"];
const INSTALLED = SHELLS.filter((shell) => spawnSync(shell, ["-c", "true"]).status === 0);

async function scriptFor(shell: string): Promise<string> {
  const run = new Run(["complete", shell], { url: NOWHERE });
  expect(await run.code, run.stderr).toBe(0);
  return run.stdout;
}

/** A search path on which the command is found by its name. */
async function withSluice(): Promise<{ path: string; PATH: string }> {
  const { path } = await Folder.make();
  const sluice = `#!/bin/sh\nexec '${process.execPath}' '${commandPath()}' "$@"\n`;
  await writeFile(join(path, "sluice"), sluice, { mode: 0o755 });
  return { path, PATH: [path, process.env.PATH].join(delimiter) };
}

/** A bash that has read our completion. */
async function bash(): Promise<Terminal> {
  const { PATH } = await withSluice();
  const terminal = await Terminal.open(["bash", "--norc", "--noprofile", "-i"], {
    url: NOWHERE,
    columns: 200,
    env: { PATH, TERM: "dumb" },
  });
  const source = "source <(sluice complete bash)\n";
  terminal.type(`${source}${source}echo so""urced\n`);
  await terminal.until(({ output }) => output.includes("\nsourced\r"));
  return terminal;
}

test.each(SHELLS)("the script for %s asks the command itself", async (shell) => {
  expect(await scriptFor(shell)).toContain("sluice complete --");
});

/** In CI a shell that is missing is an error; elsewhere it is left out. */
const isMissing = (shell: string) => !INSTALLED.includes(shell) && !process.env.CI;

test.skipIf(isMissing("zsh"))("the script for zsh is correct in the eyes of zsh", async () => {
  const { path } = await Folder.make();
  await writeFile(join(path, "script"), await scriptFor("zsh"));
  const { status, stderr } = spawnSync("zsh", ["-n", join(path, "script")], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test.skipIf(isMissing("fish"))("fish completes a command, and a choice of an option", async () => {
  const { path, PATH } = await withSluice();
  const asked = ["sluice dep", "sluice deploy web --on-failure "].map((typed) => `complete -C '${typed}'`);
  const script = ["sluice complete fish | source", ...asked].join("; ");
  const env = { ...process.env, PATH, HOME: path };
  const { stdout } = spawnSync("fish", ["-c", script], { env, encoding: "utf8" });
  expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(["deploy", "hold", "resume", ""]);
});

test("a shell that is not known ends with 64 and is named", async () => {
  const run = new Run(["complete", "tcsh"], { url: NOWHERE });
  expect(await run.code).toBe(64);
  expect(run.stderr).toContain("'tcsh' is invalid");
});

describe("in a real bash, also without the package bash-completion", () => {
  test("the script can be read twice without a complaint", async () => {
    const terminal = await bash();
    expect(terminal.output).not.toContain("readonly");
    expect(terminal.output).not.toContain("bash: ");
  });

  test.each([
    ["a command", "sluice dep", "sluice deploy "],
    ["an option", "sluice roll web --up", "sluice roll web --up-timeout "],
    ["an option that all commands have", "sluice status --js", "sluice status --json "],
    ["a choice of an option", "sluice deploy web --on-failure ho", "sluice deploy web --on-failure hold "],
    ["a choice after an argument", "sluice server web web-1 --state ma", "web-1 --state maint "],
    ["a shell", "sluice complete fi", "sluice complete fish "],
  ])("Tab completes %s", async (_, typed, completed) => {
    const terminal = await bash();
    const before = terminal.output.length;
    terminal.type(`${typed}\t`);
    await terminal.until(({ output }) => output.slice(before).includes(completed));
  });

  test("Tab carries out nothing of what was typed", async () => {
    const { path } = await Folder.make();
    const file = join(path, "kept");
    await writeFile(file, "kept");
    const terminal = await bash();
    const before = terminal.output.length;
    terminal.type(`sluice status "$(rm ${file})" \`rm ${file}\` > ${file} --js\t`);
    await terminal.until(({ output }) => output.slice(before).includes("--json "));
    expect(await readFile(file, "utf8")).toBe("kept");
  });

  test("Tab twice lists the commands", async () => {
    const terminal = await bash();
    const before = terminal.output.length;
    terminal.type("sluice \t\t");
    const commands = "status drain resume deploy roll server check top complete help".split(" ");
    await terminal.until(({ output }) => commands.every((name) => output.slice(before).includes(name)));
  });
});
