import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable, quoted } from "../terminal/output.ts";

/** What the C library searches if there is no PATH. */
const USUAL_PATH = "/bin:/usr/bin";

/**
 * Throws a `CliError` if the command cannot be run, by the system's own rules: a name with a slash is a path, any other is
 * looked for on the PATH. A script whose interpreter is missing is found out only when it is run.
 */
export function refuseMissing(
  [file = ""]: readonly string[],
  { PATH = USUAL_PATH }: NodeJS.ProcessEnv,
): void {
  // Windows adds endings to names and has no bit for programs.
  if (process.platform === "win32") return;
  if (file === "") throw new CliError(EXIT.usage, "The command is empty.");
  const isPath = file.includes("/");
  // An empty part of the PATH is this folder.
  const paths = isPath ? [file] : PATH.split(delimiter).map((folder) => join(folder, file));
  const problems = paths.map(problemOf);
  if (problems.includes(null)) return;
  const problem = problems.find((one) => one !== MISSING);
  if (problem === undefined && !isPath) {
    throw new CliError(EXIT.usage, `There is no command ${quoted(file)} on the PATH.`);
  }
  throw new CliError(EXIT.usage, `${quoted(file)} cannot be run: ${printable(problem ?? MISSING)}.`);
}

const MISSING = "there is no such file";

/** Why the file cannot be executed; `null`: it can. */
function problemOf(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return "it is not a file";
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return MISSING;
    return code === "EACCES" ? "it is not executable" : message;
  }
}
