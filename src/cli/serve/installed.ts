// Not by its own name, which the bundle uses already (scripts/build-cli.ts).
import { createRequire as requireFrom } from "node:module";
import { resolve } from "node:path";
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
