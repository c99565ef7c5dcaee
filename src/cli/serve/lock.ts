import { spawnSync } from "node:child_process";
import { constants, openSync } from "node:fs";
import { join } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";

/** Of open(2) on macOS: an flock on what is opened. */
const O_EXLOCK = 0x20;

/**
 * Locks a folder for this process and those that it hands the returned file descriptor to; `null`: another one has it.
 * The system ends the lock with the last of them, however they end, so a file that is left behind locks nothing.
 */
export function lockFolder(folder: string): number | null {
  const file = join(folder, "lock");
  if (process.platform === "darwin") return lockByOpening(file);
  const descriptor = openSync(file, "a", 0o600);
  // flock(2) locks what was opened, not the process: the command locks it for us and ends.
  const { status, error } = spawnSync("flock", ["-x", "-n", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (error) {
    throw new CliError(
      EXIT.notFound,
      `flock, by which ${folder} is locked, cannot be run: install util-linux.`,
    );
  }
  return status === 0 ? descriptor : null;
}

function lockByOpening(file: string): number | null {
  try {
    return openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}
