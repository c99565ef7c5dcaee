import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { EXIT } from "../exit-codes.ts";
import type { Signal, Signals } from "./signals.ts";

export interface CommandEnd {
  /** The exit code, as a shell has it. */
  code: number;
  /** `ended with 3`, `was killed by SIGTERM`. */
  words: string;
}

/**
 * Runs a command on our own input and output. The first signal is passed on to it, the second kills it. Without a
 * terminal the command gets a process group, and the whole group gets the signals: a shell does not pass them on, and
 * handles its own only when the program that it runs has ended.
 */
export function runCommand(
  [file = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  signals: Pick<Signals, "on">,
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const terminal = hasTerminal();
    const ownGroup = !terminal && process.platform !== "win32";
    let child: ChildProcess;
    try {
      child = spawn(file, args, { stdio: "inherit", env, detached: ownGroup });
    } catch (error) {
      // spawn throws some errors instead of emitting them: ENOTDIR, ENAMETOOLONG, ETXTBSY, ELOOP, an empty name.
      resolve(notRun(file, error as NodeJS.ErrnoException));
      return;
    }
    const kill = ownGroup ? killGroup : killProcess;
    const off = signals.on((signal, count) => {
      if (count > 1) kill(child, "SIGKILL");
      else if (!(terminal && isFromTerminal(signal))) kill(child, signal);
    });
    // Not `once`: a signal to a command of another user is an error too.
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      off();
      resolve(notRun(file, error));
    });
    child.once("exit", (code, signal) => {
      off();
      if (signal)
        resolve({ code: EXIT.signal + constants.signals[signal], words: `was killed by ${signal}` });
      else resolve({ code: code ?? 0, words: `ended with ${code}` });
    });
  });
}

function notRun(file: string, { code, message }: NodeJS.ErrnoException): CommandEnd {
  const missing = code === "ENOENT" || file === "";
  return { code: missing ? EXIT.notFound : EXIT.notExecutable, words: `cannot be run: ${message}` };
}

/** The terminal has sent these to the command as well, and some programs take a second one for "at once". */
function isFromTerminal(signal: Signal): boolean {
  return signal !== "SIGTERM";
}

function killProcess(child: ChildProcess, signal: NodeJS.Signals): void {
  child.kill(signal);
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group has just ended, or belongs to another user.
  }
}

/** True if a terminal controls us: it sends Ctrl-C, and SIGHUP when it is closed, to our command as well. */
function hasTerminal(): boolean {
  if (process.platform === "win32") return [0, 1, 2].some((descriptor) => isatty(descriptor));
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
