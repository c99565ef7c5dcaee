import { readFile } from "node:fs/promises";
import { CliError, EXIT } from "../exit-codes.ts";
import { printable } from "../terminal/output.ts";

const BEGINS = {
  certificate: /^-----BEGIN [A-Z\d ]*CERTIFICATE-----/m,
  "private key": /^-----BEGIN [A-Z\d ]*PRIVATE KEY-----/m,
};

/** Refuses a file that has none: the runtime, which reads it, says neither which one it is nor where it is from. */
export async function refuseNoPem(option: string, file: string, what: keyof typeof BEGINS): Promise<void> {
  const named = `${option} ${printable(file)}`;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new CliError(EXIT.usage, `Cannot read ${named}: ${printable((error as Error).message)}`);
  }
  if (!BEGINS[what].test(text)) throw new CliError(EXIT.usage, `There is no ${what} in PEM in ${named}.`);
}
