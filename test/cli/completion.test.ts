import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { commandPath } from "../support/bundle.ts";
import { MISSING_SHELLS } from "../support/tools.ts";
import { Run } from "./command.ts";
import { Terminal } from "./pty.ts";
import { Folder } from "./script.ts";

/** No Sluice is there: completion must not need one, and takes the names from wrangler.toml. */
const NOWHERE = "http://127.0.0.1:1";
const CLEAR_LINE = "\u0015";
const SHELLS = ["bash", "zsh", "fish"];

async function scriptFor(shell: string): Promise<string> {
  const run = new Run(["complete", shell], { url: NOWHERE });
  expect(await run.code, run.stderr).toBe(0);
  return run.stdout;
}

/** A PATH on which `sluice` is found. */
async function withSluice(): Promise<{ path: string; PATH: string }> {
  const { path } = await Folder.make();
  const sluice = `#!/bin/sh\nexec '${process.execPath}' '${commandPath()}' "$@"\n`;
  await writeFile(join(path, "sluice"), sluice, { mode: 0o755 });
  return { path, PATH: [path, process.env.PATH].join(delimiter) };
}

/** A shell that has read our completion, in a folder with the files `deploy.sh` and `wrangler.toml`. */
async function shell(command: string[], reading: string): Promise<Terminal> {
  const { path, PATH } = await withSluice();
  await writeFiles(path);
  const options = { url: NOWHERE, columns: 200, env: { PATH, TERM: "dumb" }, cwd: path };
  const terminal = await Terminal.open(command, options);
  terminal.type(`${reading}\necho so""urced\n`);
  await terminal.until(({ output }) => output.includes("\nsourced\r"));
  return terminal;
}

async function writeFiles(path: string): Promise<void> {
  const pool = '[vars.POOLS.reports]\nservers = [{ name = "printer-1", url = "http://a.test" }]\n';
  await writeFile(join(path, "deploy.sh"), "");
  await writeFile(join(path, "wrangler.toml"), pool);
}

function bash(): Promise<Terminal> {
  const source = "source <(sluice complete bash)";
  return shell(["bash", "--norc", "--noprofile", "-i"], `${source}\n${source}`);
}

test.each(SHELLS)("the script for %s asks the command itself", async (shell) => {
  expect(await scriptFor(shell)).toContain("sluice complete --");
});

test("there is a script for PowerShell too", async () => {
  expect(await scriptFor("powershell")).toContain("Register-ArgumentCompleter -Native -CommandName sluice");
});

/** In CI a missing shell is an error; elsewhere its tests are skipped, and test/support/tools.ts says so. */
const isMissing = (shell: string) => MISSING_SHELLS.includes(shell) && !process.env.CI;

test.skipIf(isMissing("zsh"))("the script for zsh is correct in the eyes of zsh", async () => {
  const { path } = await Folder.make();
  await writeFile(join(path, "script"), await scriptFor("zsh"));
  const { status, stderr } = spawnSync("zsh", ["-n", join(path, "script")], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test.skipIf(isMissing("zsh"))(
  "zsh completes a command, a choice of an option, the file of a command to be run, one to be checked, a pool and a server",
  async () => {
    const reading = "PS1=; autoload -U compinit; compinit -u -D; source <(sluice complete zsh)";
    const terminal = await shell(["zsh", "-f", "-i"], reading);
    for (const [typed, completed] of [
      ["sluice dep", "sluice deploy "],
      ["sluice deploy web --on-failure=ho", "--on-failure=hold "],
      ["sluice deploy web -- ./dep", "-- ./deploy.sh"],
      ["sluice check wr", "check wrangler.toml"],
      ["sluice drain re", "sluice drain reports "],
      ["sluice server reports pr", "sluice server reports printer-1 "],
      ["sluice token rev", "sluice token revoke "],
      ["sluice token new ci --may look,dr", "--may look,drain "],
      ["sluice token new ci --may=look,fo", "--may=look,force "],
    ] as const) {
      terminal.type(`${typed}\t`);
      await terminal.until(({ output }) => output.includes(completed));
      terminal.type(CLEAR_LINE);
    }
  },
);

test.skipIf(isMissing("fish"))(
  "fish completes a command, a choice of an option, files, a pool and a server",
  async () => {
    const { path, PATH } = await withSluice();
    await writeFiles(path);
    const asked = [
      "sluice dep",
      "sluice deploy web --on-failure ",
      "sluice deploy web --on-failure=r",
      "sluice deploy web -- ./dep",
      "sluice check wr",
      "sluice drain re",
      "sluice server reports ",
      "sluice token ch",
      "sluice token new ci --into wr",
      "sluice token new ci --may look,dr",
      "sluice token new ci --pools=re",
    ].map((typed) => `complete -C '${typed}'`);
    const script = ["sluice complete fish | source", ...asked].join("; ");
    const env = { ...process.env, PATH, HOME: path };
    const { stdout } = spawnSync("fish", ["-c", script], { env, cwd: path, encoding: "utf8" });
    const completed = stdout.split("\n").map((line) => line.split("\t")[0]);
    expect(completed).toEqual([
      "deploy",
      "hold",
      "resume",
      "--on-failure=resume",
      "./deploy.sh",
      "wrangler.toml",
      "reports",
      "printer-1",
      "check",
      "wrangler.toml",
      "look,drain",
      "--pools=reports",
      "",
    ]);
  },
);

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
    ["a choice after an equals sign", "sluice server web web-1 --state=ma", "--state=maint "],
    ["what to do with a request", "sluice deferred web re", "sluice deferred web retry "],
    ["a state of requests", "sluice deferred web --state fa", "--state failed "],
    ["a shell", "sluice complete fi", "sluice complete fish "],
    ["the file of a command to be run", "sluice deploy web -- ./dep", "sluice deploy web -- ./deploy.sh "],
    ["a pool", "sluice drain re", "sluice drain reports "],
    ["a server", "sluice server reports pr", "sluice server reports printer-1 "],
    ["what to do with tokens", "sluice token rev", "sluice token revoke "],
    ["a right", "sluice token new ci --may look,dr", "--may look,drain "],
    ["a right after an equals sign", "sluice token new ci --may=look,dr", "--may=look,drain "],
    ["a pool of an option", "sluice token new ci --pools re", "--pools reports "],
    ["an option of that", "sluice token new ci --in", "sluice token new ci --into "],
    ["the file of an option", "sluice token check --from wr", "sluice token check --from wrangler.toml "],
    ["an option of the check", "sluice check --ser", "sluice check --service "],
    ["the file to be checked", "sluice check --json wr", "sluice check --json wrangler.toml "],
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
    const commands =
      "status drain stop resume deploy roll server deferred audit check serve rehearse top token complete help".split(
        " ",
      );
    await terminal.until(({ output }) => commands.every((name) => output.slice(before).includes(name)));
  });
});
