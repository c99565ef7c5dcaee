import { spawnSync } from "node:child_process";
import { constants, openSync } from "node:fs";
import { join } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";

/** Of open(2) on macOS: an flock on what is opened. */
const O_EXLOCK = 0x20;

/**
 * Locks a folder for this process and those that it hands the returned file descriptor to; `null`: another one has it.
 * The system ends the lock with the last of them, however they end, so a file that is left behind locks nothing. Throws
 * if the folder can be locked by nobody.
 */
export function lockFolder(folder: string): number | null {
  const file = join(folder, "lock");
  try {
    return process.platform === "darwin" ? lockByOpening(file) : lockByCommand(file, folder);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { message } = error as Error;
    throw new CliError(
      EXIT.usage,
      `The state cannot be in ${printable(folder)}, which cannot be locked: ${printable(message)}`,
    );
  }
}

/** flock(2) locks what was opened, not the process: the command locks it for us and ends. */
function lockByCommand(file: string, folder: string): number | null {
  const descriptor = openSync(file, "a", 0o600);
  const { status, signal, error, stderr } = spawnSync("flock", ["-x", "-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", descriptor],
    encoding: "utf8",
  });
  if (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      EXIT.notFound,
      `flock, by which ${printable(folder)} is locked, cannot be run (${code}): install util-linux.`,
    );
  }
  if (status === 0) return descriptor;
  const says = stderr.trim();
  // With any other failure util-linux ends with another code, and busybox says what it is.
  if (status === 1 && says === "") return null;
  throw new Error(says || `flock ended with ${status ?? signal}`);
}

function lockByOpening(file: string): number | null {
  try {
    return openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}
