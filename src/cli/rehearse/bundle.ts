import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError, EXIT } from "../exit-codes.ts";

/** The rehearsal's Worker, which is beside the command's own file. */
export function rehearsalBundle(): string {
  const file = join(dirname(fileURLToPath(import.meta.url)), "rehearsal-worker.js");
  if (existsSync(file)) return file;
  throw new CliError(
    EXIT.notFound,
    `The Worker of the rehearsal is missing: ${file}. Install the package of Sluice anew.`,
  );
}
