/** Asks on a terminal for what no option has said. */
import { createInterface, type Interface } from "node:readline/promises";
import { USUAL_SLOTS } from "../../config/limits.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { READ } from "./answers.ts";

export interface Answers {
  host?: string | undefined;
  zone?: string | undefined;
  server?: string[] | undefined;
  slots?: number | undefined;
  check?: string | undefined;
}

export async function ask(given: Answers): Promise<Answers> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const left = new AbortController();
  // Ctrl-C and Ctrl-D: a question would wait for ever.
  terminal.once("close", () => left.abort());
  try {
    return await askAll(terminal, left.signal, given);
  } catch (error) {
    if ((error as Error).name !== "AbortError") throw error;
    throw new CliError(EXIT.signal + 2, "left before the last answer: nothing was written");
  } finally {
    terminal.removeAllListeners("close");
    terminal.close();
  }
}

async function askAll(terminal: Interface, signal: AbortSignal, given: Answers): Promise<Answers> {
  const question = async <T>(text: string, read: (answer: string) => T): Promise<T | undefined> => {
    for (;;) {
      const answer = (await terminal.question(`${text} `, { signal })).trim();
      if (answer === "") return undefined;
      try {
        return read(answer);
      } catch (error) {
        process.stdout.write(`  ${(error as Error).message}\n`);
      }
    }
  };
  const host =
    given.host ??
    (await question("Host name that clients use (empty: any, for now on workers.dev)?", READ.host));
  const needsZone = host !== undefined && given.host === undefined && given.zone === undefined;
  const zone = needsZone
    ? await question(
        "The Cloudflare zone in which it exists already (empty: Cloudflare makes the name)?",
        READ.host,
      )
    : given.zone;
  const server =
    given.server ??
    (await question("URLs of your servers, with blanks between (empty: two examples)?", (answer) =>
      answer.split(/[\s,]+/).map(READ.server),
    ));
  const slots =
    given.slots ??
    (await question(`Requests that each may have at once (empty: ${USUAL_SLOTS})?`, READ.slots));
  const check = given.check ?? (await question("Path of a health check (empty: none)?", READ.path));
  return { host, zone, server, slots, check };
}
