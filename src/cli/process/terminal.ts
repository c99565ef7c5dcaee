import { closeSync, openSync } from "node:fs";
import { isatty } from "node:tty";

/**
 * A terminal gives Ctrl-C, and its own end, to the whole group that it runs: to a command of ours too, wherever its
 * input and output go.
 */
export function hasTerminal(): boolean {
  if (process.platform === "win32") return [0, 1, 2].some((descriptor) => isatty(descriptor));
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
