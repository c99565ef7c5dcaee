/** The secrets that `sluice serve` gives to the Worker. No message has the value of one. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bindingsOf, type SecretState } from "../../config/bindings.ts";
import { readPools } from "../../config/parse.ts";
import { problemLine } from "../../config/problem.ts";
import { holdsPools } from "../../config/variables.ts";
import { listed } from "../../words/phrases.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";
import { DEV_VARS, readDevVars } from "../wrangler-file/dev-vars.ts";
import { isOwn } from "./names.ts";
import type { Settings } from "./settings.ts";

/** Secrets that the environment of the process may have instead of .dev.vars. */
const SECRETS = ["ADMIN_TOKEN", "ADMIN_TOKENS", "WEBHOOK_SECRET"];
/** Linux passes on 128 KiB of a variable with its name (MAX_ARG_STRLEN). */
const LONGEST_SECRET = 100 * 1024;

/** Of the environment, and of the file that is beside `file`. Throws where the Worker could not do with them. */
export async function secretsBeside(
  file: string,
  environment: string | undefined,
  settings: Settings,
): Promise<Record<string, string>> {
  const ofProcess = secretsOfProcess([...SECRETS, ...settings.secrets.keys()]);
  const secrets = { ...(await secretsOfFile(dirname(file), environment)), ...ofProcess };
  refuseForHeaders(secrets, settings);
  refuseForPages(secrets, settings);
  refuseForRuntime(secrets);
  return secrets;
}

/** As with wrangler, an environment's own file takes the place of the other one. */
async function secretsOfFile(
  folder: string,
  environment: string | undefined,
): Promise<Record<string, string>> {
  const names = [...(environment === undefined ? [] : [`${DEV_VARS}.${environment}`]), DEV_VARS];
  for (const name of names) {
    const text = await textOf(join(folder, name));
    if (text === null) continue;
    const secrets = readDevVars(text);
    const own = Object.keys(secrets).filter((one) => isOwn(one) || holdsPools(one));
    if (own.length === 0) return secrets;
    throw new CliError(EXIT.invalid, `${name} may not set ${listed(own)}: Sluice itself has that.`);
  }
  return {};
}

/** `null`: there is no such file. One that cannot be read is no reason to serve without its secrets. */
async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    const { message } = error as Error;
    throw new CliError(EXIT.usage, `The secrets cannot be read: ${printable(message)}.`);
  }
}

/**
 * Servers would take Sluice for somebody else if it sent them a header without its secret. The Worker would refuse all
 * requests, so it is said before anything listens.
 */
function refuseForHeaders(secrets: Record<string, string>, settings: Settings): void {
  const { secretOf } = bindingsOf({ ...settings.variables, ...secrets });
  const wrong = [...settings.secrets].flatMap(([name, key]) => problemOf(name, key, secretOf(name)) ?? []);
  if (wrong.length > 0) throw new CliError(EXIT.invalid, wrong.join("\n"));
}

function problemOf(name: string, key: string, state: SecretState): string | null {
  if (state === "missing")
    return `There is no secret ${name}, which ${key} takes: put it into ${DEV_VARS}, or into the environment.`;
  if (state === "unusable")
    return `The secret ${name}, which ${key} takes, is empty or has several lines, so no header can have it: a header's value is one line.`;
  return null;
}

/** The file's own variables are right, but .dev.vars takes the place of some. */
function refuseForPages(secrets: Record<string, string>, settings: Settings): void {
  const env = { ...settings.variables, ...secrets };
  const { problems } = readPools(env, bindingsOf(env));
  const wrong = problems.filter(({ path: [, , key] }) => key === "pages");
  if (wrong.length > 0) throw new CliError(EXIT.invalid, wrong.map(problemLine).join("\n"));
}

/** The runtime gets them by its environment. What Node says of one that cannot be passed on has its value. */
function refuseForRuntime(secrets: Record<string, string>): void {
  for (const [name, value] of Object.entries(secrets)) {
    const why = value.includes("\0")
      ? "has a NUL character in it"
      : Buffer.byteLength(value) > LONGEST_SECRET
        ? `is longer than ${LONGEST_SECRET / 1024} KiB`
        : null;
    if (why !== null)
      throw new CliError(EXIT.invalid, `The secret ${name} ${why}, so the runtime cannot have it.`);
  }
}

function secretsOfProcess(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
