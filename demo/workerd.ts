import { createRequire } from "node:module";
import { startWorkerd as start, type Workerd } from "../src/cli/process/workerd.ts";

/** Starts the runtime of this repository. `onLine`: told each line that it prints. `flags`: further ones for it. */
export function startWorkerd(
  config: string,
  sockets: number,
  onLine = (_: string) => {},
  flags: readonly string[] = [],
): Workerd {
  const require = createRequire(import.meta.url);
  return start(require("workerd").default, config, { sockets, onLine, flags });
}
