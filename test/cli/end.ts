import { expect } from "vitest";
import { TOKEN } from "../support/sluice.ts";
import { Run, type RunOptions } from "./command.ts";

/** Runs the command to its end. Its output must never contain the token. */
export async function end(args: readonly string[], options: RunOptions) {
  const run = new Run(args, options);
  const code = await run.code;
  const { stdout, stderr } = run;
  expect(stdout + stderr).not.toContain(options.env?.SLUICE_TOKEN || TOKEN);
  expect(stderr).not.toMatch(/\n\s+at /);
  return { code, stdout, stderr };
}
