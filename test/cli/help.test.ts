import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { Run } from "./command.ts";

const COMMANDS = [
  "init",
  "status",
  "drain",
  "stop",
  "resume",
  "deploy",
  "roll",
  "server",
  "register",
  "deferred",
  "audit",
  "check",
  "serve",
  "rehearse",
  "top",
  "token",
  "complete",
];

/** Without an environment or a Sluice: help needs neither. */
async function helpOf(...args: string[]): Promise<string> {
  const env = { SLUICE_URL: undefined, SLUICE_TOKEN: undefined };
  const run = new Run(args, { url: "http://127.0.0.1:1", env });
  expect(await run.code).toBe(0);
  expect(run.stderr).toBe("");
  return run.stdout;
}

describe("sluice --help", () => {
  test("lists every command, and nothing that this file has forgotten", async () => {
    const [, list = ""] = (await helpOf("--help")).split("\nCommands:\n");
    const listed = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
    expect(listed.slice(0, COMMANDS.length + 1)).toEqual([...COMMANDS, "help"]);
  });

  test("names the environment and every exit code of ours", async () => {
    const help = await helpOf("--help");
    const { invalid, notExecutable, notFound, signal, ...ours } = EXIT;
    for (const word of ["SLUICE_URL", "SLUICE_TOKEN", ...Object.values(ours)]) {
      expect(help).toMatch(new RegExp(`(^|\\s)${word}\\s`));
    }
  });

  test("has examples of its own", async () => {
    const [, shown = ""] = (await helpOf("--help")).split("\nExamples:\n");
    const commands = [...shown.matchAll(/^ {2}sluice (\w+)/gm)].map(([, name]) => name);
    expect(commands.length).toBeGreaterThan(2);
    expect(COMMANDS).toEqual(expect.arrayContaining(commands));
  });

  test("shows defaults as they would be typed", async () => {
    for (const command of ["drain", "deploy", "roll"]) {
      expect(await helpOf(command, "--help")).toMatch(/\(default:\s+60s\)/);
    }
    expect(await helpOf("deploy", "--help")).toMatch(/\(default:\s+2m\)/);
  });

  test.each(["new", "check", "revoke"])("of token %s has an example too", async (action) => {
    const help = await helpOf("token", action, "--help");
    expect(help).toMatch(new RegExp(`\nExamples:\n {2}.*sluice token ${action}( |\n)`));
    expect(await helpOf("token", "help", action)).toBe(help);
  });

  test.each(COMMANDS)("of %s has an example, and how to reach Sluice", async (command) => {
    const help = await helpOf(command, "--help");
    expect(help).toMatch(new RegExp(`\nExamples:\n {2}.*sluice ${command}( |\n)`));
    expect(help).toContain("--url <origin>");
    expect(await helpOf("help", command)).toBe(help);
  });
});
