import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** `vi` mocks modules, globals and clocks; node:v8 is there to measure memory. */
const OF_THE_PROCESS = /^import \{[^}]*\bvi\b[^}]*\} from "vitest"|^import .* from "node:v8"/m;

/** Whether this text of a file changes or measures what all modules of a process share. */
export const changesItsProcess = (text: string): boolean => OF_THE_PROCESS.test(text);

/** The test files that get a process of their own. All others share some, where each module is loaded once. */
export function apart(): string[] {
  const isApart = (file: string) => changesItsProcess(readFileSync(join(ROOT, file), "utf8"));
  return globSync("test/**/*.test.ts", { cwd: ROOT }).filter(isApart);
}
