import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { SHARDS } from "../../config/limits.ts";
import { parseDuration } from "../../config/units.ts";
import { targetOf } from "../client/target.ts";
import { contextOf, printJson, printLines } from "../context.ts";
import { CliError, EXIT } from "../exit-codes.ts";
import { Signals } from "../process/signals.ts";
import { examples, type Program, wholeOption } from "../program.ts";
import { rehearseAt, rehearseDeployed, rehearseLocally } from "../rehearse/rehearse.ts";
import { reportView } from "../rehearse/view.ts";
import { styleOf, widthOf } from "../terminal/output.ts";
import { Reporter } from "../terminal/reporter.ts";

/** On a network, without `--quick`. */
const HOLDS_MS = [60_000, 300_000, 480_000];
const LONGEST_HOLD_MS = 1_800_000;

export function addRehearse(program: Program): void {
  program
    .command("rehearse")
    .description("play load, drain, deploy and leaving clients, and measure; exit 1 if a promise was broken")
    .addOption(new Option("--local", "on this machine, without an account (the default)").conflicts("deploy"))
    .option(
      "--deploy",
      "on Cloudflare, by your wrangler login: deploys two Workers, and deletes them in the end",
    )
    .option("--keep", "with --deploy: does not delete them")
    .option("--quick", "short: less load, and no holds")
    .addOption(
      new Option(
        "--holds <durations>",
        "how long to hold requests in a drain (default on a network: 1m,5m,8m)",
      ).argParser(durations),
    )
    .addOption(
      new Option("--shards <count>", "how many Durable Objects the pool is (1)").argParser(
        wholeOption(...SHARDS),
      ),
    )
    .addOption(
      new Option("--lie <how>", "lets the servers lie, to see that it is noticed").choices([
        "overlap",
        "answer",
      ] as const),
    )
    .addHelpText(
      "after",
      examples(
        "sluice rehearse",
        "sluice rehearse --shards 8",
        "sluice rehearse --deploy --quick",
        "sluice rehearse --deploy --keep",
        "SLUICE_TOKEN=… sluice rehearse --url https://sluice-rehearsal-1a2b3c4d.example.workers.dev",
      ),
    )
    .action(async (options, command) => {
      const { local, deploy, keep = false, quick: isQuick = false, holds, lie, shards } = options;
      const globals = command.optsWithGlobals();
      // Not SLUICE_URL, which is where the pools are that serve.
      const isGiven = globals.url !== undefined;
      if (isGiven && (local || deploy || lie || shards !== undefined))
        throw usage(
          "A deployment is taken as it is: --url goes without --local, --deploy, --shards and --lie.",
        );
      if (keep && !deploy) throw usage("There is nothing to keep: --keep goes with --deploy.");
      const { out, err, json } = contextOf(globals);
      const reporter = new Reporter(err, json);
      const signals = new Signals();
      const isNetwork = isGiven || deploy === true;
      const setting = { lie, shards: shards ?? 1 };
      const plan = { isQuick, holdsMs: holds ?? (isNetwork && !isQuick ? HOLDS_MS : []) };
      const report = isGiven
        ? await rehearseAt(targetOf(globals, process.env), plan, signals, reporter)
        : deploy
          ? await rehearseDeployed(plan, { ...setting, keep }, signals, reporter)
          : await rehearseLocally(plan, setting, signals, reporter);
      if (json) printJson(out, report);
      else printLines(out, reportView(report, styleOf(out), widthOf(out)));
      if (!report.held) process.exitCode = EXIT.invalid;
    });
}

function usage(message: string): CliError {
  return new CliError(EXIT.usage, message);
}

/** `1m,5m`, in ms. */
function durations(text: string): number[] {
  return text.split(",").map((one) => {
    const ms = parseDuration(one.trim());
    if (ms !== undefined && ms > 0 && ms <= LONGEST_HOLD_MS) return ms;
    throw new InvalidArgumentError('Allowed are durations up to "30m", with commas between: "1m,5m,8m".');
  });
}
