import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { EXIT } from "../exit-codes.ts";
import type { HeardSignal, Signals } from "./signals.ts";
import { hasTerminal } from "./terminal.ts";

export interface CommandEnd {
  /** As a shell would say it. */
  code: number;
  /** What became of it: `ended with 3`, `was killed by SIGTERM`. */
  words: string;
}

/**
 * Runs a command as if it had been typed in our place: input and output are ours, untouched. The first signal is
 * passed on, the second kills it. Without a terminal it gets a group of its own, all of which is told: a shell passes
 * nothing on to what it runs, and would itself hear a signal only after that.
 */
export function runCommand(
  [file = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  signals: Signals,
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const terminal = hasTerminal();
    const ownGroup = !terminal && process.platform !== "win32";
    let child: ChildProcess;
    try {
      child = spawn(file, args, { stdio: "inherit", env, detached: ownGroup });
    } catch (error) {
      // Some failures are thrown instead of told: ENOTDIR, ENAMETOOLONG, ETXTBSY, ELOOP, an empty name.
      resolve(notRun(file, error as NodeJS.ErrnoException));
      return;
    }
    const tell = ownGroup ? tellGroup : tellAlone;
    const off = signals.on((signal, count) => {
      if (count > 1) tell(child, "SIGKILL");
      else if (!(terminal && isFromTerminal(signal))) tell(child, signal);
    });
    // More than once: a signal to a command that runs as somebody else fails too.
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

/** Once more would mean "hurry" to some. */
function isFromTerminal(signal: HeardSignal): boolean {
  return signal !== "SIGTERM";
}

function tellAlone(child: ChildProcess, signal: NodeJS.Signals): void {
  child.kill(signal);
}

function tellGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // They have just ended, or run as somebody else.
  }
}
