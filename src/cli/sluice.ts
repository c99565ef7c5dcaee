import { CommanderError } from "@commander-js/extra-typings";
import { addCheck } from "./commands/check.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDrain } from "./commands/drain.ts";
import { addResume } from "./commands/resume.ts";
import { addRoll } from "./commands/roll.ts";
import { addServer } from "./commands/server.ts";
import { addStatus } from "./commands/status.ts";
import { addTop } from "./commands/top.ts";
import { addCompletion } from "./completion.ts";
import { EXIT, toCliError } from "./exit-codes.ts";
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
for (const output of [process.stdout, process.stderr]) output.on("error", () => {});

async function main(): Promise<number> {
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    // It has printed what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { message, exitCode } = toCliError(error);
    process.stderr.write(`sluice: ${message}\n`);
    return exitCode;
  }
}

// Not by itself: connections kept alive for reuse would delay the end.
main().then((code) => process.exit(code));
