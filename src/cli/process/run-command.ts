import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { EXIT } from "../exit-codes.ts";
import type { HeardSignal, Signals } from "./signals.ts";

export interface CommandEnd {
  /** As a shell would say it. */
  code: number;
  /** What became of it: `ended with 3`, `was killed by SIGTERM`. */
  words: string;
}

/**
 * Runs a command as if it had been typed in our place: input and output are ours, untouched. The first signal is
 * passed on, the second kills it.
 */
export function runCommand(
  [file = "", ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  signals: Signals,
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = spawn(file, args, { stdio: "inherit", env });
    } catch (error) {
      // Some failures are thrown instead of told: ENOTDIR, ENAMETOOLONG, ETXTBSY, ELOOP, an empty name.
      resolve(notRun(file, error as NodeJS.ErrnoException));
      return;
    }
    const off = signals.on((signal, count) => {
      if (count > 1) child.kill("SIGKILL");
      else if (!hasHeardIt(signal)) child.kill(signal);
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

/** A terminal gives Ctrl-C, and its own end, to the command itself: once more would mean "hurry" to some. */
function hasHeardIt(signal: HeardSignal): boolean {
  return signal !== "SIGTERM" && [0, 1, 2].some((descriptor) => isatty(descriptor));
}
