import { CommanderError } from "@commander-js/extra-typings";
import { addCheck } from "./commands/check.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDrain } from "./commands/drain.ts";
import { addResume } from "./commands/resume.ts";
import { addRoll } from "./commands/roll.ts";
import { addServer } from "./commands/server.ts";
import { addStatus } from "./commands/status.ts";
import { addTop } from "./commands/top.ts";
import { completionOf } from "./completion/candidates.ts";
import { addCompletion, wordsToComplete } from "./completion/completion.ts";
import { CliError, EXIT, toCliError } from "./exit-codes.ts";
import { emptyProgram } from "./program.ts";

const program = emptyProgram();
addStatus(program);
addDrain(program);
addResume(program);
addDeploy(program);
addRoll(program);
addServer(program);
addCheck(program);
addTop(program);
addCompletion(program);

// A terminal that is closed, or a pipe whose reader left, must not keep a pool drained.
let unwritten: NodeJS.ErrnoException | null = null;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") unwritten ??= error;
});
process.stderr.on("error", () => {});

async function main(): Promise<number> {
  try {
    const words = wordsToComplete(process.argv.slice(2));
    if (words) process.stdout.write(completionOf(program, words));
    else await program.parseAsync();
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    // It has printed what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return told(toCliError(error));
  }
}

function told({ message, exitCode }: CliError): number {
  process.stderr.write(`sluice: ${message}\n`);
  return exitCode;
}

/** Resolves when all that was written is out, or nobody takes it any more. */
function written(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) return resolve();
    output.once("error", () => resolve());
    output.write("", () => resolve());
  });
}

// Not by itself: connections kept alive for reuse would delay the end. But a pipe takes only so much at a time.
main().then(async (code) => {
  await written(process.stdout);
  const lost = unwritten && new CliError(EXIT.output, `the result cannot be written: ${unwritten.message}`);
  const end = lost && code === EXIT.done ? told(lost) : code;
  await written(process.stderr);
  process.exit(end);
});
