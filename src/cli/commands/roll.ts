import { Option } from "@commander-js/extra-typings";
import { clientOf, contextOf } from "../context.ts";
import { refuseMissing } from "../process/refuse-missing.ts";
import { Signals } from "../process/signals.ts";
import { CUT_AFTER, durationOption, examples, type Program, refuseLateCut } from "../program.ts";
import { roll } from "../roll/roll.ts";
import { RollProgress } from "../roll/roll-progress.ts";
import { Reporter } from "../terminal/reporter.ts";

export function addRoll(program: Program): void {
  program
    .command("roll")
    .description("server by server: drain it, run a command for it, wait until it is up, put it back")
    .usage("[options] <pool> -- <command...>")
    .argument("<pool>", "the pool, which serves on")
    .argument(
      "<command...>",
      "what to run for each server, after --; SLUICE_SERVER and SLUICE_SERVER_URL say which",
    )
    .addOption(
      durationOption("--drain-timeout <duration>", "how long a server's requests in flight may take").default(
        60_000,
        "60s",
      ),
    )
    .addOption(durationOption("--cut-after <duration>", CUT_AFTER))
    .addOption(
      durationOption(
        "--up-timeout <duration>",
        "how long a server may take to pass its health check",
      ).default(60_000, "60s"),
    )
    .addOption(
      new Option("--on-failure <what>", "what becomes of the server whose command fails or is interrupted")
        .choices(["resume", "hold"])
        .default("resume" as const),
    )
    .addHelpText(
      "after",
      examples(
        "sluice roll web -- sh -c 'ssh $SLUICE_SERVER systemctl restart app'",
        "sluice roll web --on-failure hold -- ./deploy-one.sh v42",
      ),
    )
    .action(async (pool, command, { drainTimeout, cutAfter, upTimeout, onFailure }, self) => {
      refuseLateCut(cutAfter, "--drain-timeout", drainTimeout);
      const { err, json } = contextOf(self.optsWithGlobals());
      refuseMissing(command, process.env);
      const client = clientOf(self.optsWithGlobals());
      const progress = new RollProgress(pool, new Reporter(err, json));
      const times = { drainTimeoutMs: drainTimeout, cutMs: cutAfter, upTimeoutMs: upTimeout };
      process.exitCode = await roll(client, { pool, command, onFailure, ...times }, new Signals(), progress);
    });
}
