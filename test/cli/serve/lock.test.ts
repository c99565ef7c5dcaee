import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Run } from "../command.ts";
import { Project } from "./support.ts";

const POOLS = { web: { servers: [{ name: "web-1", url: "http://127.0.0.1:9" }] } };

/** `sluice serve` where the command `flock` is this script; `null`: there is none. */
async function serveWith(script: string | null, mode = 0o755): Promise<{ code: unknown; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-flock-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  if (script !== null) {
    await writeFile(join(folder, "flock"), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, "flock"), mode);
  }
  const { path } = await Project.make(POOLS);
  const run = new Run(["serve"], { url: "", cwd: path, env: { PATH: folder } });
  return { code: await run.code, stderr: run.stderr };
}

describe("a folder that cannot be locked is no reason to serve, and is told of as what it is", () => {
  test.each([
    ["has no locks", "echo 'flock: 3: No locks available' >&2; exit 71", "flock: 3: No locks available"],
    ["fails as busybox does", "echo 'flock: Bad file descriptor' >&2; exit 1", "flock: Bad file descriptor"],
    ["fails without a word", "exit 65", "flock ended with 65"],
    ["is killed", "kill -9 $$", "flock ended with SIGKILL"],
  ])("where flock %s", async (_, script, says) => {
    expect(await serveWith(script)).toEqual({
      code: 64,
      stderr: `sluice: The state cannot be in .sluice, which cannot be locked: ${says}\n`,
    });
  });

  test("where flock is not there", async () => {
    const { code, stderr } = await serveWith(null);
    expect(code).toBe(127);
    expect(stderr).toBe(
      "sluice: flock, by which .sluice is locked, cannot be run (ENOENT): install util-linux.\n",
    );
  });

  test("where flock may not be run", async () => {
    const { code, stderr } = await serveWith("exit 0", 0o644);
    expect(code).toBe(127);
    expect(stderr).toContain("flock, by which .sluice is locked, cannot be run (EACCES)");
  });

  test("where the file for the lock cannot be opened", async () => {
    const project = await Project.make(POOLS);
    await mkdir(join(project.path, ".sluice/lock"), { recursive: true });
    const run = project.run();
    expect(await run.code).toBe(64);
    expect(run.stderr).toMatch(
      /^sluice: The state cannot be in \.sluice, which cannot be locked: EISDIR.*\/lock'\n$/,
    );
  });
});
