import { CommanderError } from "@commander-js/extra-typings";
import { addAudit } from "./commands/audit.ts";
import { addCheck } from "./commands/check.ts";
import { addDeferred } from "./commands/deferred.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDrain } from "./commands/drain.ts";
import { addInit } from "./commands/init.ts";
import { addRegister } from "./commands/register.ts";
import { addRehearse } from "./commands/rehearse.ts";
import { addResume } from "./commands/resume.ts";
import { addRoll } from "./commands/roll.ts";
import { addServe } from "./commands/serve.ts";
import { addServer } from "./commands/server.ts";
import { addStatus } from "./commands/status.ts";
import { addStop } from "./commands/stop.ts";
import { addToken } from "./commands/token.ts";
import { addTop } from "./commands/top.ts";
import { completionOf } from "./completion/candidates.ts";
import { addCompletion, wordsToComplete } from "./completion/completion.ts";
import { knownNames } from "./completion/names.ts";
import { CliError, EXIT, toCliError } from "./exit-codes.ts";
import { emptyProgram } from "./program.ts";

const program = emptyProgram();
addInit(program);
addStatus(program);
addDrain(program);
addStop(program);
addResume(program);
addDeploy(program);
addRoll(program);
addServer(program);
addRegister(program);
addDeferred(program);
addAudit(program);
addCheck(program);
addServe(program);
addRehearse(program);
addTop(program);
addToken(program);
addCompletion(program);

// Handlers, because a terminal or a pipe that is closed would otherwise end a deploy, and its pool would stay drained.
// EPIPE is no failure: the reader has seen enough.
let outputError: NodeJS.ErrnoException | null = null;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") outputError ??= error;
});
process.stderr.on("error", () => {});

async function main(): Promise<number> {
  try {
    const words = wordsToComplete(process.argv.slice(2));
    if (words) await complete(words);
    else await program.parseAsync();
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    // commander has printed the message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return printError(toCliError(error));
  }
}

async function complete(words: readonly string[]): Promise<void> {
  process.stdout.write(await completionOf(program, words, knownNames));
  await flush(process.stdout);
  // process.exit waits for the lookup of a host name, for as long as the name service is silent (Node 26.10, 2026-11-26).
  if (process.getActiveResourcesInfo().includes("GetAddrInfoReqWrap")) process.kill(process.pid, "SIGKILL");
}

function printError({ message, exitCode }: CliError): number {
  process.stderr.write(`sluice: ${message}\n`);
  return exitCode;
}

/** Resolves when the output has been flushed, or has failed. */
function flush(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) return resolve();
    output.once("error", () => resolve());
    output.write("", () => resolve());
  });
}

// Exits explicitly, as keep-alive connections would delay the end; and flushes first, as a pipe may be full.
main().then(async (code) => {
  await flush(process.stdout);
  const failure =
    outputError && new CliError(EXIT.output, `the result cannot be written: ${outputError.message}`);
  const end = failure && code === EXIT.done ? printError(failure) : code;
  await flush(process.stderr);
  process.exit(end);
});
