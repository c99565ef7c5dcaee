import { DrainHeld } from "../client/failures.ts";
import { clientOf, contextOf, printJson } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { examples, type Program } from "../program.ts";
import { counts } from "../terminal/counts.ts";

export function addResume(program: Program): void {
  program
    .command("resume")
    .description("end a drain: the queue goes on in its order")
    .argument("<pool>", "the pool to resume")
    .option("--force", "also a drain that somebody else holds, such as a deploy")
    .addHelpText("after", examples("sluice resume web", "sluice resume web --force"))
    .action(async (pool, { force }, command) => {
      const { out, json } = contextOf(command.optsWithGlobals());
      const snapshot = await clientOf(command.optsWithGlobals())
        .resume(pool, { force })
        .catch((error) => {
          if (!(error instanceof DrainHeld)) throw error;
          const how = `To end it all the same: sluice resume ${pool} --force`;
          throw new CliError(EXIT.held, `${error.message} ${how}`);
        });
      if (json) printJson(out, snapshot);
      else out.write(`${pool} runs: ${counts(snapshot)}\n`);
    });
}
