import { spawnSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where Linux keeps files in memory. */
const MEMORY = "/dev/shm";
/** A run of all tests takes a quarter of it. */
const LEAST_BYTES = 2 ** 30;

/**
 * The first global setup of a test run: temporary files go into memory where there is room. Sluice waits for the disk
 * whenever it stores something (fsync), and where that is slow the tests wait for little else. No test depends on it:
 * what a killed process has written stays in either place, and only a power cut would tell them apart.
 */
export default async function keepTemporaryFilesInMemory(): Promise<(() => Promise<void>) | undefined> {
  if (!(await hasRoom())) return;
  const folder = await mkdtemp(join(MEMORY, "sluice-tests-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  // For os.tmpdir(), here and in all processes that tests start.
  if (await runsCommandsIn(folder)) process.env.TMPDIR = folder;
  // Where Node keeps what it has compiled: each start of the command and of wrangler takes a seventh of its CPU time less.
  process.env.NODE_COMPILE_CACHE ??= join(folder, "compiled");
  return remove;
}

async function hasRoom(): Promise<boolean> {
  const found = await statfs(MEMORY).catch(() => null);
  return found !== null && found.bavail * found.bsize >= LEAST_BYTES;
}

/** Containers often forbid that there (noexec), and some tests write commands to run them. */
async function runsCommandsIn(folder: string): Promise<boolean> {
  const command = join(folder, "command");
  await writeFile(command, "#!/bin/sh\n", { mode: 0o755 });
  return spawnSync(command).error === undefined;
}
