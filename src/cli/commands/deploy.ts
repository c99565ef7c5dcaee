import { Option } from "@commander-js/extra-typings";
import { clientOf, contextOf } from "../context.ts";
import { deploy } from "../deploy/deploy.ts";
import { DeployProgress } from "../deploy/deploy-progress.ts";
import { refuseMissing } from "../process/refuse-missing.ts";
import { Signals } from "../process/signals.ts";
import { CUT_AFTER, durationOption, examples, type Program, refuseLateCut } from "../program.ts";
import { Reporter } from "../terminal/reporter.ts";

/** A shorter drain could end before it is extended. */
const SHORTEST_DRAIN = "1s";

export function addDeploy(program: Program): void {
  program
    .command("deploy")
    .description("drain, wait until nothing is in flight, run a command, resume")
    .usage("[options] <pool> -- <command...>")
    .argument("<pool>", "the pool to drain")
    .argument("<command...>", "what to run meanwhile, after --; its output passes through")
    .addOption(
      durationOption("--drain-timeout <duration>", "how long to wait for the last request in flight").default(
        60_000,
        "60s",
      ),
    )
    .addOption(durationOption("--cut-after <duration>", CUT_AFTER))
    .addOption(
      new Option("--on-failure <what>", "what becomes of the pool if the command fails or is interrupted")
        .choices(["resume", "hold"])
        .default("resume" as const),
    )
    .addOption(
      durationOption(
        "--expires <duration>",
        "when the pool resumes by itself if this run dies or loses touch with Sluice",
        SHORTEST_DRAIN,
      ).default(120_000, "2m"),
    )
    .option("--reason <text>", "why, for whoever looks")
    .addHelpText(
      "after",
      examples(
        "sluice deploy web -- ./deploy.sh v42",
        "sluice deploy web --cut-after 30s -- ./deploy.sh v42",
        "sluice deploy web --drain-timeout 5m --on-failure hold -- kubectl rollout restart deploy/web",
      ),
    )
    .action(async (pool, command, { drainTimeout, cutAfter, onFailure, expires, reason }, self) => {
      refuseLateCut(cutAfter, "--drain-timeout", drainTimeout);
      const { err, json } = contextOf(self.optsWithGlobals());
      refuseMissing(command, process.env);
      const client = clientOf(self.optsWithGlobals());
      const progress = new DeployProgress(pool, new Reporter(err, json));
      const times = { drainTimeoutMs: drainTimeout, cutMs: cutAfter, expiresMs: expires };
      const options = { pool, command, ...times, onFailure, reason };
      process.exitCode = await deploy(client, options, new Signals(), progress);
    });
}
