import { existsSync } from "node:fs";
// Not by its own name, which the bundle uses already (scripts/build-cli.ts).
import { createRequire as requireFrom } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError, EXIT } from "../exit-codes.ts";

/** The runtime's binary: that of the user's project, or else one that is installed with this command. */
export function workerdBinary(projectFolder: string): string {
  for (const from of [resolve(projectFolder, "package.json"), import.meta.url]) {
    let main: string;
    try {
      main = requireFrom(from).resolve("workerd");
    } catch {
      continue;
    }
    try {
      return requireFrom(from)(main).default;
    } catch (error) {
      throw new CliError(
        EXIT.notFound,
        `workerd is installed, but not for this machine: ${(error as Error).message}`,
      );
    }
  }
  throw new CliError(EXIT.notFound, "The runtime, workerd, is not installed: npm install workerd");
}

/** The Worker's bundle, which is beside the command's own file. */
export function workerBundle(): string {
  const file = join(dirname(fileURLToPath(import.meta.url)), "worker.js");
  if (existsSync(file)) return file;
  throw new CliError(EXIT.notFound, `The Worker is missing: ${file}. Install the package of Sluice anew.`);
}
